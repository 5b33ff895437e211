import type { Migration } from "../migration.ts";
import { orgs } from "./0001-orgs.ts";
import { audit } from "./0002-audit.ts";
import { keys } from "./0003-keys.ts";
import { members } from "./0004-members.ts";
import { meter } from "./0005-meter.ts";
import { usage } from "./0006-usage.ts";
import { directory } from "./0007-directory.ts";
import { billing } from "./0008-billing.ts";
import { providers } from "./0100-providers.ts";
import { catalogue } from "./0110-catalogue.ts";
import { imports } from "./0111-imports.ts";
import { reconciliation } from "./0200-reconciliation.ts";
import { ledger } from "./0210-ledger.ts";
import { devices } from "./0300-devices.ts";
import { agentVersions } from "./0320-agent-versions.ts";
import { formatCounts } from "./0330-format-counts.ts";
import { surfaces } from "./0400-surfaces.ts";
import { usageSums } from "./0410-usage-sums.ts";
import { passkeys } from "./0420-passkeys.ts";
import { oidc } from "./0421-oidc.ts";
import { forecasts } from "./0500-forecasts.ts";
import { serviceAccounts } from "./0550-service-accounts.ts";
import { policy } from "./0551-policy.ts";
import { agentPolicy } from "./0560-agent-policy.ts";
import { policyHits } from "./0561-policy-hits.ts";
import { standing } from "./0562-standing.ts";
import { oauthAccounts } from "./0563-oauth-accounts.ts";
import { signals } from "./0600-signals.ts";
import { signalDelivery } from "./0601-signal-delivery.ts";
import { contentFindings } from "./0602-content-findings.ts";
import { signalPause } from "./0612-signal-pause.ts";
import { fluency } from "./0650-fluency.ts";
import { selfService } from "./0660-self-service.ts";

/** Every step, in the order in which it runs. Steps are added at the end and never changed. */
export const migrations: readonly Migration[] = [
  orgs,
  audit,
  keys,
  members,
  meter,
  usage,
  directory,
  billing,
  providers,
  catalogue,
  imports,
  reconciliation,
  ledger,
  devices,
  formatCounts,
  surfaces,
  usageSums,
  passkeys,
  oidc,
  forecasts,
  serviceAccounts,
  policy,
  agentPolicy,
  policyHits,
  standing,
  oauthAccounts,
  signals,
  signalDelivery,
  contentFindings,
  signalPause,
  fluency,
  selfService,
  agentVersions,
];
