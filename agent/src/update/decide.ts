import { isSignedBy, type ReleaseKey } from "@flowstate/shared/release-signature";
import { compareVersions, isPrerelease } from "@flowstate/shared/semver";
import type { AgentSettings } from "@flowstate/shared/wire/agent-policy";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { nextOpening } from "./window.ts";

export type UpdateSettings = Pick<
  AgentSettings,
  "updatePolicy" | "updateChannel" | "maintenanceWindow" | "pinnedVersion"
>;

/** Why a release that is wanted is not installed by itself. */
export type Obstacle =
  /** The organisation's settings leave it to people. */
  | "policy"
  /** The device was installed without a release key, so that there is nothing to hold a release against. */
  | "no_key"
  /** Nobody has signed it, or somebody whose key the device does not know. */
  | "not_signed"
  /** It was installed here once, did not start, and was taken back. */
  | "failed";

export type UpdateDecision =
  | { readonly kind: "nothing"; readonly reason: "disabled" | "current" | "pinned_not_offered" }
  | { readonly kind: "tell"; readonly release: OfferedRelease; readonly obstacle: Obstacle }
  /** From `at` on, and not begun after `until`; null for at any time. */
  | {
      readonly kind: "install";
      readonly release: OfferedRelease;
      readonly at: number;
      readonly until: number | null;
    };

export interface UpdateQuestion {
  readonly settings: UpdateSettings;
  /** The version that runs. */
  readonly version: string;
  /** System and processor, such as `linux-x64`. */
  readonly platform: string;
  readonly offered: readonly OfferedRelease[];
  /** Null where the device was installed without one. */
  readonly key: ReleaseKey | null;
  /** SHA-256 of programs that did not start here. */
  readonly failed: ReadonlySet<string>;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Where this device stands among all, 0 to 1: they do not all begin in one second. */
  readonly spread: number;
}

/** Devices that wait for a window begin within the first half of it, and within half an hour. */
const mostSpreadMs = 1_800_000;

/** What becomes of newer versions on this device, by the organisation's settings. Pure. */
export function decideUpdate(question: UpdateQuestion): UpdateDecision {
  const { settings, version, key, failed, now, spread } = question;
  const { updatePolicy, maintenanceWindow, pinnedVersion } = settings;
  if (updatePolicy === "disabled") return { kind: "nothing", reason: "disabled" };
  const release = chooseRelease(question);
  if (release === null) {
    const isAbsent = pinnedVersion !== null && pinnedVersion !== version;
    return { kind: "nothing", reason: isAbsent ? "pinned_not_offered" : "current" };
  }
  const tell = (obstacle: Obstacle): UpdateDecision => ({ kind: "tell", release, obstacle });
  if (updatePolicy !== "auto") return tell("policy");
  if (key === null) return tell("no_key");
  if (!isSignedBy(release, key)) return tell("not_signed");
  if (failed.has(release.sha256)) return tell("failed");
  if (maintenanceWindow === null) return { kind: "install", release, at: now, until: null };
  const { from, until } = nextOpening(maintenanceWindow, now);
  const at = from <= now ? now : from + Math.floor(spread * Math.min(mostSpreadMs, (until - from) / 2));
  return { kind: "install", release, at, until };
}

/**
 * The one release that the settings would have run here; null where that is the one that runs, or none. A pinned version
 * is that version, older ones too. Else it is the newest that is newer: on the stable channel never one that was made
 * before a release, whatever channel it is offered on. One that is signed comes before one that is not.
 */
export function chooseRelease({
  settings: { updateChannel, pinnedVersion },
  version,
  platform,
  offered,
  key,
}: Pick<UpdateQuestion, "settings" | "version" | "platform" | "offered" | "key">): OfferedRelease | null {
  const wanted = offered.filter((release) => {
    if (release.platform !== platform) return false;
    if (pinnedVersion !== null) return release.version === pinnedVersion && pinnedVersion !== version;
    const isOfChannel =
      updateChannel === "beta" || (release.channel === "stable" && !isPrerelease(release.version));
    return isOfChannel && compareVersions(release.version, version) > 0;
  });
  const signed = key === null ? [] : wanted.filter((release) => isSignedBy(release, key));
  return newestOf(signed) ?? newestOf(wanted);
}

function newestOf(releases: readonly OfferedRelease[]): OfferedRelease | null {
  return releases.reduce<OfferedRelease | null>(
    (newest, each) => (newest === null || compareVersions(each.version, newest.version) > 0 ? each : newest),
    null,
  );
}
