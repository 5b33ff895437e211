import { abusePattern } from "./detect/abuse-pattern.ts";
import { authContext } from "./detect/auth-context.ts";
import { content } from "./detect/content.ts";
import { forecastBreach } from "./detect/forecast-breach.ts";
import { formatDrift } from "./detect/format-drift.ts";
import { modelRegression } from "./detect/model-regression.ts";
import { monitoringGap } from "./detect/monitoring-gap.ts";
import { newService } from "./detect/new-service.ts";
import { offTopicProduction } from "./detect/off-topic.ts";
import { personalUse } from "./detect/personal-use.ts";
import { refusedKeys } from "./detect/refused-keys.ts";
import { runawayLoop } from "./detect/runaway-loop.ts";
import { sequenceGap } from "./detect/sequence-gap.ts";
import { sniMismatch } from "./detect/sni-mismatch.ts";
import { spendSpike } from "./detect/spend-spike.ts";
import { wastefulPrompting } from "./detect/wasteful-prompting.ts";
import type { Detector } from "./finding.ts";

/** Every detector that there is. */
export const detectors: readonly Detector[] = [
  content,
  spendSpike,
  runawayLoop,
  wastefulPrompting,
  personalUse,
  abusePattern,
  offTopicProduction,
  authContext,
  refusedKeys,
  sniMismatch,
  sequenceGap,
  formatDrift,
  newService,
  monitoringGap,
  forecastBreach,
  modelRegression,
];
