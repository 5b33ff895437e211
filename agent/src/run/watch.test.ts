import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { systemClock } from "@flowstate/shared/clock";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { watchLogs } from "./watch.ts";

const never = new AbortController().signal;
/** A sweep that no test waits for: what rests until then has failed. */
const hourMs = 3_600_000;

const changes: [what: string, change: (folder: string) => void][] = [
  ["a log grows", (folder) => appendFileSync(join(folder, "logs/a.jsonl"), "x\n")],
  ["a log appears", (folder) => writeFileSync(join(folder, "logs/b.jsonl"), "x\n")],
  ["a folder of logs appears", (folder) => mkdirSync(join(folder, "logs/below"))],
  ["a tool is used for the first time", (folder) => mkdirSync(join(folder, "awaited"))],
];
for (const [what, change] of changes) {
  test(`rest ends when ${what}`, async (t) => {
    using folder = temporaryFolder();
    const logs = join(folder.path, "logs");
    mkdirSync(logs);
    writeFileSync(join(logs, "a.jsonl"), "");
    using watch = watchLogs({ clock: systemClock, pollMs: 10, sweepMs: hourMs });
    watch.cover([logs], [join(folder.path, "awaited")]);
    // The first rest is short: what appeared before it was watched is not told of.
    await watch.rest(never, false);
    const rested = watch.rest(never, false);
    change(folder.path);
    await rested;
    t.pass();
  });
}

test("rest ends after a poll where something is to be tried again, where nothing can be watched, and on the signal", async (t) => {
  using folder = temporaryFolder();
  using watch = watchLogs({ clock: systemClock, pollMs: 10, sweepMs: hourMs });
  watch.cover([folder.path], []);
  await watch.rest(never, false);
  await watch.rest(never, true);
  const stop = new AbortController();
  const rested = watch.rest(stop.signal, false);
  stop.abort();
  await rested;
  watch.cover([join(folder.path, "gone")], []);
  await watch.rest(never, false);
  await watch.rest(never, false);
  t.pass();
});
