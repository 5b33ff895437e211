import type { Clock } from "@flowstate/shared/clock";
import type { Logger } from "@flowstate/shared/log";
import type { ReleaseKey } from "@flowstate/shared/release-signature";
import { hourMs } from "@flowstate/shared/time";
import type { AgentEvent, OfferedRelease } from "@flowstate/shared/wire/release";
import { decideUpdate, type Obstacle, type UpdateDecision, type UpdateSettings } from "./decide.ts";
import { askOffers, type ControlPlaneAccess } from "./offers.ts";

/** What the daemon says of newer versions; instants are ISO 8601 in UTC. */
export interface UpdateStatus {
  /** Null until the organisation's settings are known. */
  readonly policy: UpdateSettings["updatePolicy"] | null;
  /** When the control plane last said what it offers. */
  readonly checkedAt: string | null;
  /** Why it did not say at the last try; null where it did. */
  readonly problem: string | null;
  /** The version that the settings would have run here; null where that is the one that runs, or none is offered. */
  readonly available: Pick<OfferedRelease, "version" | "channel" | "releasedAt"> | null;
  /** Why it is not installed by itself; null where it is. */
  readonly obstacle: Obstacle | "pinned_not_offered" | null;
  /** From when on it is installed; null where it is not. */
  readonly installsAt: string | null;
  /** Whether this program can install another in its place at all: it is packaged, and not on Windows. */
  readonly installsItself: boolean;
}

export interface UpdateWatchOptions extends ControlPlaneAccess {
  readonly clock: Clock;
  readonly log: Logger;
  /** What runs. */
  readonly version: string;
  readonly platform: string;
  readonly installsItself: boolean;
  /** As the organisation last said; null where it has never been heard. */
  readonly settings: () => UpdateSettings | null;
  readonly key: () => ReleaseKey | null;
  readonly failed: () => ReadonlySet<string>;
  /** Tells the control plane what runs here, and what could. */
  readonly tell: (event: Omit<AgentEvent, "seq">) => void;
  readonly random?: () => number;
}

export interface UpdateWatch {
  /** Looks at the start and about every six hours, until `signal` aborts; never where the settings say not to. */
  follow(signal: AbortSignal): Promise<void>;
  /** The organisation's settings may have changed. */
  reconsider(): void;
  status(): UpdateStatus;
}

const checkMs = 6 * hourMs;
const retryMs = hourMs / 2;

/** Watches for newer versions. It installs none: the service has no right to, and could not see itself fail. */
export function createUpdateWatch(options: UpdateWatchOptions): UpdateWatch {
  const { clock, log, version, platform, settings, key, failed, tell, random = Math.random } = options;
  let offered: readonly OfferedRelease[] = [];
  let checkedAt: number | null = null;
  let problem: string | null = null;
  let told: { readonly available: string | null } | null = null;
  let checkedFor = "";
  let news = new AbortController();

  const decide = (): UpdateDecision | null => {
    const given = settings();
    if (given === null) return null;
    const now = clock.now();
    return decideUpdate({
      settings: given,
      version,
      platform,
      offered,
      key: key(),
      failed: failed(),
      now,
      // What is shown is the earliest moment; the updater has a place of its own among all devices.
      spread: 0,
    });
  };
  const note = (): void => {
    const decision = decide();
    const isManual = settings()?.updatePolicy === "manual";
    const available = isManual && decision?.kind === "tell" ? decision.release.version : null;
    if (told?.available === available) return;
    told = { available };
    if (available !== null) log.info({ available }, "agent.update.available");
    tell({ kind: "agent", occurredAt: new Date(clock.now()).toISOString(), version, platform, available });
  };

  return {
    async follow(signal) {
      while (!signal.aborted) {
        news = new AbortController();
        const given = settings();
        checkedFor = JSON.stringify(given);
        if (given !== null && given.updatePolicy !== "disabled") {
          const answer = await askOffers(options, platform, signal);
          if (signal.aborted) return;
          problem = answer.kind === "problem" ? answer.reason : null;
          if (answer.kind === "offers") {
            offered = answer.releases;
            checkedAt = clock.now();
          }
        }
        note();
        const restMs = problem === null ? checkMs : retryMs;
        // Between three quarters and five quarters of it: a fleet that was started together does not ask together.
        await clock.sleep(restMs * (0.75 + random() / 2), AbortSignal.any([signal, news.signal]));
      }
    },
    reconsider() {
      if (JSON.stringify(settings()) !== checkedFor) news.abort();
    },
    status() {
      const decision = decide();
      const release = decision === null || decision.kind === "nothing" ? null : decision.release;
      const isAbsent = decision?.kind === "nothing" && decision.reason === "pinned_not_offered";
      return {
        policy: settings()?.updatePolicy ?? null,
        checkedAt: checkedAt === null ? null : new Date(checkedAt).toISOString(),
        problem,
        available:
          release === null
            ? null
            : { version: release.version, channel: release.channel, releasedAt: release.releasedAt },
        obstacle: decision?.kind === "tell" ? decision.obstacle : isAbsent ? "pinned_not_offered" : null,
        installsAt: decision?.kind === "install" ? new Date(decision.at).toISOString() : null,
        installsItself: options.installsItself,
      };
    },
  };
}
