import test from "ava";
import fc from "fast-check";
import { must } from "@flowstate/shared/assert";
import { generateReleaseKey, parseReleaseKey, signRelease } from "@flowstate/shared/release-signature";
import { compareVersions, isPrerelease } from "@flowstate/shared/semver";
import { dayMs, hourMs } from "@flowstate/shared/time";
import type { OfferedRelease, ReleaseChannel } from "@flowstate/shared/wire/release";
import { decideUpdate, type UpdateDecision, type UpdateQuestion } from "./decide.ts";
import { nextOpening } from "./window.ts";

const pair = generateReleaseKey();
const parsed = parseReleaseKey(pair.publicKey);
const key = must(parsed.ok ? parsed.value : null, "a key");
/** A Wednesday. */
const now = Date.parse("2026-11-18T12:00:00Z");

function release(
  version: string,
  channel: ReleaseChannel = "stable",
  signKey: string | null = pair.privatePem,
): OfferedRelease {
  const sha256 = Buffer.from(version).toString("hex").padEnd(64, "0").slice(0, 64);
  const manifest = { version, platform: "linux-x64", size: 100, sha256, releasedAt: "2026-11-01T00:00:00Z" };
  return {
    ...(signKey === null ? { ...manifest, signature: null } : signRelease(manifest, signKey)),
    channel,
  };
}

const auto = {
  updatePolicy: "auto",
  updateChannel: "stable",
  maintenanceWindow: null,
  pinnedVersion: null,
} as const;
const question: UpdateQuestion = {
  settings: auto,
  version: "1.5.0",
  platform: "linux-x64",
  offered: [],
  key,
  failed: new Set(),
  now,
  spread: 0.5,
};
const night = { weekdays: [0, 1, 2, 3, 4, 5, 6], from: "22:00", until: "04:00" };
const sunday = { weekdays: [0], from: "01:00", until: "02:00" };

/** The decision in a few words, for the table. */
function inWords(decision: UpdateDecision): string {
  switch (decision.kind) {
    case "nothing":
      return decision.reason;
    case "tell":
      return `tell ${decision.release.version}: ${decision.obstacle}`;
    case "install":
      return `install ${decision.release.version} at ${new Date(decision.at).toISOString().slice(5, 16)}`;
  }
}

const several = [
  release("1.4.0"),
  release("1.6.0"),
  release("1.5.0"),
  release("1.7.0-rc.1", "beta"),
  release("1.10.0-rc.1"),
];

const cases: readonly [name: string, change: Partial<UpdateQuestion>, expected: string][] = [
  ["nothing is offered", {}, "current"],
  ["a program for another system is none", { offered: several, platform: "linux-arm64" }, "current"],
  ["what is offered is older", { offered: [release("1.4.9")] }, "current"],
  ["it runs already", { offered: [release("1.5.0")] }, "current"],
  [
    "the newest of the channel is installed at once without a window",
    { offered: several },
    "install 1.6.0 at 11-18T12:00",
  ],
  [
    "beta sees both channels",
    { offered: several, settings: { ...auto, updateChannel: "beta" } },
    "install 1.10.0-rc.1 at 11-18T12:00",
  ],
  [
    "beta takes the release after its candidate",
    { version: "1.6.0-rc.1", offered: several },
    "install 1.6.0 at 11-18T12:00",
  ],
  ["stable takes nothing of beta", { offered: [release("1.6.0", "beta")] }, "current"],
  [
    "a pinned version wins over the channel",
    { offered: several, settings: { ...auto, pinnedVersion: "1.7.0-rc.1" } },
    "install 1.7.0-rc.1 at 11-18T12:00",
  ],
  [
    "a pinned version may be an older one",
    { offered: several, settings: { ...auto, pinnedVersion: "1.4.0" } },
    "install 1.4.0 at 11-18T12:00",
  ],
  [
    "a pinned version that runs stays",
    { offered: several, settings: { ...auto, pinnedVersion: "1.5.0" } },
    "current",
  ],
  [
    "a pinned version that is not offered is waited for",
    { offered: several, settings: { ...auto, pinnedVersion: "9.9.9" } },
    "pinned_not_offered",
  ],
  [
    "a window that is closed is waited for",
    { offered: several, settings: { ...auto, maintenanceWindow: night } },
    "install 1.6.0 at 11-18T22:15",
  ],
  [
    "a window of one day a week is waited for",
    { offered: several, settings: { ...auto, maintenanceWindow: sunday } },
    "install 1.6.0 at 11-22T01:15",
  ],
  [
    "a window that began yesterday is open",
    {
      offered: several,
      now: Date.parse("2026-11-18T03:59:00Z"),
      settings: { ...auto, maintenanceWindow: night },
    },
    "install 1.6.0 at 11-18T03:59",
  ],
  [
    "its end is outside",
    {
      offered: several,
      now: Date.parse("2026-11-18T04:00:00Z"),
      settings: { ...auto, maintenanceWindow: night },
    },
    "install 1.6.0 at 11-18T22:15",
  ],
  [
    "notify_only",
    { offered: several, settings: { ...auto, updatePolicy: "notify_only" } },
    "tell 1.6.0: policy",
  ],
  ["manual", { offered: several, settings: { ...auto, updatePolicy: "manual" } }, "tell 1.6.0: policy"],
  ["disabled", { offered: several, settings: { ...auto, updatePolicy: "disabled" } }, "disabled"],
  ["without a key nothing is installed", { offered: several, key: null }, "tell 1.6.0: no_key"],
  [
    "an unsigned release is told alone",
    { offered: [release("2.0.0", "stable", null)] },
    "tell 2.0.0: not_signed",
  ],
  [
    "a signature of another key is none",
    { offered: [release("2.0.0", "stable", generateReleaseKey().privatePem)] },
    "tell 2.0.0: not_signed",
  ],
  [
    "a signed release comes before a newer unsigned one",
    { offered: [...several, release("2.0.0", "stable", null)] },
    "install 1.6.0 at 11-18T12:00",
  ],
  [
    "what did not start here is not tried again",
    { offered: several, failed: new Set([release("1.6.0").sha256]) },
    "tell 1.6.0: failed",
  ],
];

for (const [name, change, expected] of cases)
  test(`${name} -> ${expected}`, (t) => t.is(inWords(decideUpdate({ ...question, ...change })), expected));

const time = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
const window = fc.record({
  weekdays: fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 7 }),
  from: time,
  until: time,
});
const instant = fc.integer({ min: now - 400 * dayMs, max: now + 400 * dayMs });

test("a window is found within eight days, lasts at most one, and its minutes are those of the settings", (t) => {
  fc.assert(
    fc.property(window, instant, (given, at) => {
      const { from, until } = nextOpening(given, at);
      t.true(until > at && from < until && until - from <= dayMs && from - at <= 8 * dayMs);
      t.is(new Date(from).toISOString().slice(11, 16), given.from);
      t.is(new Date(until).toISOString().slice(11, 16), given.until);
      t.true(given.weekdays.includes(new Date(from).getUTCDay()));
      // No minute before it would have done.
      for (let earlier = at; earlier < from; earlier += 977 * 60_000)
        t.is(nextOpening(given, earlier).from, from);
    }),
    { numRuns: 300 },
  );
});

test("nothing is installed that the settings, the key or the window do not allow", (t) => {
  const version = fc.constantFrom("1.4.0", "1.5.0", "1.5.1-rc.1", "1.5.1", "2.0.0-beta.3", "2.0.0");
  const offers = new Map(
    ["1.4.0", "1.5.0", "1.5.1-rc.1", "1.5.1", "2.0.0-beta.3", "2.0.0"].flatMap((each) =>
      (["stable", "beta"] as const).flatMap((channel) =>
        [pair.privatePem, null].map((signKey) => [
          `${each} ${channel} ${String(signKey === null)}`,
          release(each, channel, signKey),
        ]),
      ),
    ),
  );
  const offered = fc.subarray([...offers.values()]);
  const settings = fc.record({
    updatePolicy: fc.constantFrom("auto", "notify_only", "manual", "disabled"),
    updateChannel: fc.constantFrom("stable", "beta"),
    maintenanceWindow: fc.option(window),
    pinnedVersion: fc.option(version),
  });
  fc.assert(
    fc.property(
      settings,
      version,
      offered,
      instant,
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (settings, version, offered, at, spread) => {
        const given = { ...question, settings, version, offered, now: at, spread };
        const decision = decideUpdate(given);
        t.deepEqual(decideUpdate({ ...given, offered: offered.toReversed() }).kind, decision.kind);
        if (decision.kind === "nothing") return;
        const { release: chosen } = decision;
        t.not(settings.updatePolicy, "disabled");
        t.not(chosen.version, version);
        if (settings.pinnedVersion !== null) t.is(chosen.version, settings.pinnedVersion);
        else {
          t.true(compareVersions(chosen.version, version) > 0, "never an older one");
          if (settings.updateChannel === "stable")
            t.true(chosen.channel === "stable" && !isPrerelease(chosen.version));
        }
        if (decision.kind === "tell") return;
        t.is(settings.updatePolicy, "auto");
        t.truthy(chosen.signature);
        t.true(decision.at >= at && decision.at <= at + 8 * dayMs + hourMs);
        if (settings.maintenanceWindow === null) t.is(decision.at, at);
        else {
          const opening = nextOpening(settings.maintenanceWindow, decision.at);
          t.true(opening.from <= decision.at && decision.at < opening.until);
        }
      },
    ),
    { numRuns: 500 },
  );
});
