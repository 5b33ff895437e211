/** The keeper between the wire and a store that may fail. */
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { createLogger } from "@flowstate/shared/log";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { dayMs } from "@flowstate/shared/time";
import { unknownTokens } from "@flowstate/shared/tokens";
import { requireOwn } from "../commands/captures.ts";
import { sightingBy } from "../normalise/sighting.ts";
import { listCaptures, readCapture } from "./capture-store.ts";
import { createKeeper, type Keeper } from "./keeper.ts";

interface Kept extends Disposable {
  readonly folder: string;
  readonly keeper: Keeper;
  readonly lines: readonly string[];
  /** How often it told that words wait. */
  readonly told: number;
  now: number;
  say(text: string): void;
  /** Puts something into the place of the store, which then cannot be opened. */
  block(): Disposable;
}

function start(): Kept {
  const folder = temporaryFolder();
  const lines: string[] = [];
  let told = 0;
  const log = createLogger("agent", "trace", { write: (line) => void lines.push(line) });
  const keeper = createKeeper({
    dataFolder: folder.path,
    limits: { retentionDays: 7, maxBytes: 100 << 20 },
    onWaiting: () => (told += 1),
    log,
    now: () => kept.now,
  });
  const kept: Kept = {
    folder: folder.path,
    keeper,
    lines,
    get told() {
      return told;
    },
    now: Date.parse("2026-11-20T10:00:00Z"),
    say(text) {
      const sighting = sightingBy("intercept", {
        callId: text.slice(0, 20),
        tool: "t",
        provider: "p",
        model: "m",
        tokens: unknownTokens,
        place: { occurredAt: kept.now },
      });
      keeper.keepWords()?.({
        sighting,
        body: { system: "Be brief.", prompt: text },
        answer: "yes",
        isAnswerCut: false,
        isBlank: false,
      });
    },
    block() {
      const place = join(folder.path, "captures.db");
      mkdirSync(place);
      return { [Symbol.dispose]: () => rmdirSync(place) };
    },
    [Symbol.dispose]() {
      keeper[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
  return kept;
}

const keptIn = ({ folder }: Kept): readonly string[] =>
  listCaptures(folder, 1000).captures.map(({ callId }) => callId);

test("nothing is heard until the mode says so, and what is heard is kept at once", (t) => {
  using kept = start();
  t.is(kept.keeper.keepWords(), null);
  kept.keeper.follow("enterprise");
  kept.say("one");
  t.deepEqual(keptIn(kept), ["one"]);
  kept.keeper.follow("telemetry");
  t.is(kept.keeper.keepWords(), null);
  t.deepEqual(
    kept.lines.map((line) => (JSON.parse(line) as { captureMode: string }).captureMode),
    ["enterprise", "telemetry"],
  );
});

test("words that wait are kept once they can be, and forgotten where the mode ends before", (t) => {
  using kept = start();
  kept.keeper.follow("enterprise");
  const first = kept.block();
  kept.say("one heron");
  kept.say("two herons");
  t.is(kept.keeper.status().waiting, 2);
  t.is(kept.told, 1, "once, for what tries again tries all");
  t.throws(() => kept.keeper.settle());
  t.notRegex(kept.lines.join(""), /heron/);
  first[Symbol.dispose]();
  kept.keeper.settle();
  t.deepEqual(keptIn(kept), ["two herons", "one heron"]);

  using other = start();
  other.keeper.follow("enterprise");
  const second = other.block();
  other.say("three herons");
  other.keeper.follow("telemetry");
  second[Symbol.dispose]();
  other.keeper.follow("enterprise");
  other.keeper.settle();
  t.deepEqual(keptIn(other), []);
});

for (const [what, count, length] of [
  ["many calls", 201, 10],
  ["large calls", 50, 190_000],
] as const) {
  test(`what waits is bounded, what is lost is counted, and the next call brings again what it shared with them: ${what}`, (t) => {
    using kept = start();
    kept.keeper.follow("enterprise");
    const blocked = kept.block();
    for (let at = 0; at < count; at += 1) kept.say(`${at} ${"x ".repeat(length / 2)}`);
    const { waiting, lost } = kept.keeper.status();
    t.true(lost > 0);
    t.is(waiting + lost, count);
    blocked[Symbol.dispose]();
    kept.keeper.settle();
    t.is(keptIn(kept).length, waiting);
    kept.say("last");
    const oldest = listCaptures(kept.folder, 1000).captures.at(-1);
    t.deepEqual(readCapture(kept.folder, oldest?.id ?? "").words.prompt?.instructions, ["Be brief."]);
  });
}

test("what is past its retention goes while the mode is off, too", (t) => {
  using kept = start();
  kept.keeper.settle();
  kept.keeper.follow("enterprise");
  kept.say("one");
  kept.keeper.follow("telemetry");
  kept.now += 8 * dayMs;
  kept.keeper.settle();
  t.deepEqual(keptIn(kept), []);
});

test("another account is shown nothing, an administrator's neither", (t) => {
  using kept = start();
  t.notThrows(() => requireOwn(kept.folder, 12_345));
  kept.keeper.follow("enterprise");
  kept.say("one");
  t.notThrows(() => requireOwn(kept.folder));
  t.throws(() => requireOwn(kept.folder, 12_345), { code: "FS_FORBIDDEN" });
});
