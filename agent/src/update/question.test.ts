import test from "ava";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { generateReleaseKey, parseReleaseKey, signRelease } from "@flowstate/shared/release-signature";
import { defaultAgentSettings, type AgentSettings } from "@flowstate/shared/wire/agent-policy";
import type { UpdateQuestion } from "./decide.ts";
import { awaitSchedule } from "./question.ts";

const pair = generateReleaseKey();
const parsed = parseReleaseKey(pair.publicKey);
const signed = signRelease(
  {
    version: "1.1.0",
    platform: "linux-x64",
    size: 10,
    sha256: "ab".repeat(32),
    releasedAt: "2026-11-20T10:00:00Z",
  },
  pair.privatePem,
);
const everyNight = { weekdays: [0, 1, 2, 3, 4, 5, 6], from: "22:00", until: "23:00" };

/** What the updater does that starts at this time of day, under these settings each time it asks; and how long it slept. */
async function run(
  at: string,
  ...settings: readonly Partial<AgentSettings>[]
): Promise<readonly [outcome: string, sleptMinutes: number]> {
  let now = Date.parse(`2026-11-20T${at}:00Z`);
  const start = now;
  let asked = 0;
  const clock: Clock = { now: () => now, sleep: async (ms) => void (now += ms) };
  const ask = async (): Promise<UpdateQuestion> => ({
    settings: { ...defaultAgentSettings, ...settings[Math.min(asked++, settings.length - 1)] },
    version: "1.0.0",
    platform: "linux-x64",
    offered: [{ ...signed, channel: "stable" }],
    key: parsed.ok ? parsed.value : null,
    failed: new Set(),
    now,
    spread: 0,
  });
  const outcome = await awaitSchedule(ask, clock);
  return [typeof outcome === "string" ? outcome : `install ${outcome.version}`, (now - start) / 60_000];
}

test("the updater waits for a window that opens within the hour, and leaves a later one to its next run", async (t) => {
  t.deepEqual(await run("12:00", {}), ["install 1.1.0", 0]);
  t.deepEqual(await run("22:59", { maintenanceWindow: everyNight }), ["install 1.1.0", 0]);
  t.deepEqual(await run("21:10", { maintenanceWindow: everyNight }), ["install 1.1.0", 50]);
  t.deepEqual(await run("12:00", { maintenanceWindow: everyNight }), [
    "1.1.0 is installed from 2026-11-20T22:00:00.000Z on",
    0,
  ]);
});

test("settings that change while it waits are followed", async (t) => {
  const before = { maintenanceWindow: everyNight };
  const ended = await run("21:10", before, { ...before, updatePolicy: "notify_only" });
  t.deepEqual(ended, ["1.1.0 is not installed: policy", 50]);
  const moved = await run("21:10", before, { maintenanceWindow: { ...everyNight, from: "22:30" } });
  t.deepEqual(moved, ["1.1.0 is installed from 2026-11-20T22:30:00.000Z on", 50]);
});

test("a control plane that is away is no failure of the updater, a defect is", async (t) => {
  const away = (): Promise<never> => Promise.reject(new FlowstateError("FS_UNAVAILABLE", "it is away"));
  t.is(await awaitSchedule(away), "it is away");
  await t.throwsAsync(
    awaitSchedule(() => Promise.reject(new TypeError("a defect"))),
    { message: "a defect" },
  );
});
