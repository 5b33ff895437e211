/** The rules of signals at their edges. */
import test from "ava";
import type { NanoUsd } from "@flowstate/shared/money";
import { addDays, dayMs, type Period, type UsageDate } from "@flowstate/shared/time";
import type { ContentCounts } from "@flowstate/shared/wire/content";
import { weekOf } from "../days.ts";
import { magnitude, quantile } from "../figures.ts";
import { weigh, type SignalSeverity } from "../types.ts";
import { findContent, typesOf, type Found } from "./content.ts";
import { judgeMonth } from "./forecast-breach.ts";
import { findRegressions, type ModelDay } from "./model-regression.ts";
import { findPersonalUse, ownerOf, type ProjectUse } from "./personal-use.ts";
import { judgeRefusals } from "./refused-keys.ts";
import { judgeHour, type Loop } from "./runaway-loop.ts";
import { judgeSource } from "./sequence-gap.ts";
import { judgeDay } from "./spend-spike.ts";

const now = Date.parse("2026-11-20T12:00:00Z");
const alike = (usd: number, days: number): number[] => Array.from({ length: days }, () => usd);

const days: readonly [
  what: string,
  paid: number,
  own: readonly number[],
  limit: number | null,
  grave: boolean,
][] = [
  ["six times ten dollars", 60, alike(10, 20), 60, false],
  ["a little less than six times", 59.9, alike(10, 20), null, false],
  ["twenty times one dollar, which is still little", 24, alike(1, 20), null, false],
  ["twenty-five dollars after days of one", 25, alike(1, 20), 25, false],
  ["five hundred dollars after days of ten", 500, alike(10, 20), 60, true],
  ["a day after days that differ much", 80, [1, 3, 9, 27, 81, 3, 9, 27, 9, 9], null, false],
  ["twenty times the usual, however much days differ", 180, [1, 3, 9, 27, 81, 3, 9, 27, 9, 9], 180, false],
  ["a first day of a hundred dollars", 100, [], 100, false],
  ["a first day of ninety dollars", 90, alike(2, 4), null, false],
];

for (const [what, paid, own, limit, isGrave] of days) {
  test(`spend_spike: ${what}`, (t) => {
    const spike = judgeDay(paid, own, alike(10, 100));
    t.is(spike === null ? null : Number(spike.limitUsd.toFixed(6)), limit);
    t.is(spike?.isGrave ?? false, isGrave);
  });
}

const hours: readonly [what: string, hour: readonly [number, number, number, number], loop: Loop | null][] = [
  ["60 of 75 calls failed", [75, 60, 15, 15], "failing"],
  ["60 of 76 calls failed", [76, 60, 16, 16], null],
  ["59 calls, all failed", [59, 59, 0, 0], null],
  ["200 answers of ten lengths", [200, 0, 200, 10], "repeating"],
  ["200 answers of eleven lengths", [200, 0, 200, 11], null],
  ["1,000 calls of which nobody knows the answers' lengths", [1000, 0, 0, 0], null],
];

for (const [what, [calls, failed, answered, lengths], loop] of hours) {
  test(`runaway_loop: ${what}`, (t) => t.is(judgeHour({ calls, failed, answered, lengths }), loop));
}

const refusals: readonly [reason: Parameters<typeof judgeRefusals>[1], count: number, told: string][] = [
  ["clear_text", 1, "credential_in_clear_text WARN 2026-11 1"],
  ["clear_text", 9, "credential_in_clear_text WARN 2026-11 1"],
  ["clear_text", 1000, "credential_in_clear_text WARN 2026-11 1000"],
  ["unknown_key", 9, "nothing"],
  ["unknown_key", 10, "key_misuse_detected INFO 2026-11 10"],
  ["unknown_key", 999, "key_misuse_detected WARN 2026-11 100"],
  ["revoked_key", 100, "key_misuse_detected INFO 2026-11 100"],
  ["revoked_key", 1000, "key_misuse_detected WARN 2026-11 1000"],
  ["placeholder", 1_000_000, "nothing"],
];

for (const [reason, count, told] of refusals) {
  test(`refused keys: ${count} times ${reason} is ${told}`, (t) => {
    const found = judgeRefusals("2026-11" as Period, reason, count, now);
    t.is(found.map((each) => `${each.type} ${each.severity} ${each.occurrence}`).join() || "nothing", told);
  });
}

const sources: readonly [received: string, told: string][] = [
  ["", "nothing"],
  ["0-900", "nothing"],
  ["5-900", "nothing"],
  ["0-9,11-20", "INFO 1"],
  ["0-9,110-120", "WARN 100"],
  ["0,2,4,6", "INFO 1"],
];

for (const [received, told] of sources) {
  test(`sequence_gap: "${received}" is ${told}`, (t) => {
    const [found] = judgeSource({ kind: "device", id: "d", subject: null, received, lastReportedAt: now });
    t.is(found === undefined ? "nothing" : `${found.severity} ${found.occurrence}`, told);
  });
}

const months: readonly [
  what: string,
  expected: number,
  low: number,
  high: number,
  told: SignalSeverity | null,
][] = [
  ["within the band", 100, 80, 110, null],
  ["49 dollars above the band", 159, 140, 110, null],
  ["above the band, and it may yet come back", 200, 100, 110, "INFO"],
  ["above the band whatever happens", 200, 150, 110, "WARN"],
];

for (const [what, expected, low, high, told] of months) {
  test(`forecast_breach: a month ${what}`, (t) => {
    const nano = (usd: number): bigint => BigInt(usd) * 1_000_000_000n;
    const point = (middle: number, from: number, to: number) => ({
      period: "2026-11" as Period,
      expected: nano(middle),
      low80: nano(from),
      high80: nano(to),
      low95: nano(from),
      high95: nano(to),
    });
    const node = { kind: "team", id: "t", name: "Web", point: point(expected, low, expected) } as const;
    const [found] = judgeMonth(node, point(90, 0, high), "2026-10-31");
    t.is(found?.severity ?? null, told);
  });
}

const monday = Date.parse("2026-11-16");
const use = (person: string, project: string, calls: number, usd: number, day = monday): ProjectUse => ({
  person,
  project,
  calls,
  costNanoUsd: (BigInt(usd) * 1_000_000_000n) as NanoUsd,
  day,
});

const weeks: readonly [what: string, uses: readonly ProjectUse[], told: readonly string[]][] = [
  ["a company's repository", [use("ada", "github.com/acme/api", 90, 90)], []],
  ["one's own", [use("ada", "github.com/ada/game", 20, 5)], ["ada github.com/ada 2026-11-16 INFO"]],
  [
    "one's own, at length",
    [use("ada", "github.com/ada/game", 20, 50)],
    ["ada github.com/ada 2026-11-16 WARN"],
  ],
  ["one's own, hardly", [use("ada", "github.com/ada/game", 19, 5)], []],
  [
    "two repositories of one owner",
    [use("ada", "github.com/ada/a", 10, 3), use("ada", "github.com/ada/b", 10, 3)],
    ["ada github.com/ada 2026-11-16 INFO"],
  ],
  [
    "what two people work on",
    [use("ada", "github.com/lab/x", 90, 90), use("bob", "github.com/lab/y", 1, 0)],
    [],
  ],
  ["a folder without a host", [use("ada", "game", 90, 90)], []],
  [
    "two weeks of it",
    [use("ada", "github.com/ada/a", 20, 5), use("ada", "github.com/ada/a", 20, 5, monday - dayMs)],
    ["ada github.com/ada 2026-11-16 INFO", "ada github.com/ada 2026-11-09 INFO"],
  ],
];

for (const [what, uses, told] of weeks) {
  test(`personal_use_company_account: ${what}`, (t) => {
    const found = findPersonalUse(uses, new Set(["github.com/acme"]));
    t.deepEqual(
      found.map(
        ({ subject, about, occurrence, severity }) => `${subject} ${about} ${occurrence} ${severity}`,
      ),
      told,
    );
  });
}

test("an owner is read from a host's repository alone", (t) => {
  const projects = [
    "github.com/Acme/api",
    "gitlab.example.com/group/sub/repo",
    "github.com/acme",
    "api",
    "a/b/c",
  ];
  t.deepEqual(projects.map(ownerOf), ["github.com/acme", "gitlab.example.com/group", null, null, null]);
});

/** Thirty days of one model; the last two are made by `worse`. */
function modelDays(worse: Partial<ModelDay>, lastDays = 2, length = 30): readonly ModelDay[] {
  const first = "2026-10-01" as UsageDate;
  return Array.from({ length }, (_, index): ModelDay => ({
    provider: "openai",
    model: "gpt",
    date: addDays(first, index),
    calls: 200,
    failed: 2,
    msPerToken: 10 + (index % 3),
    ...(index >= length - lastDays ? worse : {}),
  }));
}

const models: readonly [what: string, days: readonly ModelDay[], told: readonly string[]][] = [
  ["as ever", modelDays({}), []],
  ["slower by half of its usual pace for two days", modelDays({ msPerToken: 16.6 }), ["slow"]],
  ["slower, by less than half", modelDays({ msPerToken: 16.4 }), []],
  ["slow for a day", modelDays({ msPerToken: 40 }, 1), []],
  ["failing in 4 of 100", modelDays({ failed: 8 }), ["failing"]],
  ["failing twice as often, and seldom", modelDays({ failed: 4 }), []],
  ["worse on days with few calls", modelDays({ msPerToken: 40, failed: 20, calls: 49 }), []],
  ["slow after nine days only", modelDays({ msPerToken: 40 }, 2, 11), []],
];

for (const [what, given, told] of models) {
  test(`model_regression_signal: a model ${what}`, (t) =>
    t.deepEqual(
      findRegressions(given).map(({ evidence }) => evidence["kind"]),
      told,
    ));
}

const contents: readonly [found: ContentCounts, types: readonly string[], inAnswer?: boolean][] = [
  [{}, []],
  [{ api_key: 1 }, ["api_key_in_prompt"]],
  [{ secret: 1, phrase: 1 }, ["secret_detected", "banned_content_pattern"]],
  [{ email_address: 9 }, ["pii_detected"]],
  [{ email_address: 9, payment_card: 1 }, ["customer_data_pattern"]],
  [{ phrase: 2 }, ["brand_violation"], true],
  [{}, [], true],
  [{ secret: 1 }, [], true],
];

for (const [found, types, inAnswer = false] of contents) {
  const where = inAnswer ? "answers" : "content";
  test(`${where}: ${JSON.stringify(found)} is ${types.join(", ") || "nothing"}`, (t) => {
    t.deepEqual(typesOf({ inAnswer, found }) as readonly string[], types);
  });
}

test("what a person sends of one kind on a day is one signal, as grave as the gravest rule", (t) => {
  const report = (change: Partial<Found>): Found => ({
    person: "ada",
    service: "claude-code",
    sessionId: "s1",
    rule: "Keys",
    action: "BLOCK",
    enforced: true,
    inAnswer: false,
    requests: 2,
    found: { api_key: 1 },
    ...change,
  });
  const day = { date: "2026-11-20" as UsageDate, from: Date.parse("2026-11-20") };
  const found = findContent(
    [
      report({ action: "OBSERVE", enforced: false, found: { api_key: 3 }, sessionId: "s2" }),
      report({}),
      report({ enforced: false, rule: "All keys" }),
      report({ person: "bob", action: "WARN" }),
      report({ found: {} }),
      report({ inAnswer: true, action: "WARN", rule: "Brand", found: { phrase: 2 } }),
    ],
    day,
  );
  t.deepEqual(
    found.map(({ subject, severity, evidence }) => [subject, severity, evidence]),
    [
      [
        "ada",
        "BLOCK",
        {
          day: "2026-11-20",
          rules: ["All keys", "Keys"],
          requests: 6,
          blockedRequests: 2,
          sessions: 2,
          mostInOneRequest: 3,
        },
      ],
      [
        "bob",
        "WARN",
        {
          day: "2026-11-20",
          rules: ["Keys"],
          requests: 2,
          blockedRequests: 0,
          sessions: 1,
          mostInOneRequest: 1,
        },
      ],
      [
        "ada",
        "WARN",
        { day: "2026-11-20", rules: ["Brand"], answers: 2, sessions: 1, mostPhrasesInOneAnswer: 2 },
      ],
    ],
  );
});

test("weeks begin on Monday", (t) => {
  const dates = ["2026-11-15", "2026-11-16", "2026-11-22", "1970-01-01"];
  t.deepEqual(
    dates.map((date) => weekOf(Date.parse(date)) as string),
    ["2026-11-09", "2026-11-16", "2026-11-16", "1969-12-29"],
  );
});

test("figures", (t) => {
  t.deepEqual([0, 1, 9, 10, 99, 100, 1000, 999_999].map(magnitude), [0, 1, 1, 10, 10, 100, 1000, 100_000]);
  t.deepEqual([quantile([], 0.5), quantile([3, 1], 0.5), quantile([4, 1, 2, 3], 0.5)], [0, 2, 2.5]);
  t.deepEqual(
    [weigh("INFO", -1), weigh("INFO", 1), weigh("WARN", -1), weigh("BLOCK", 1)],
    ["INFO", "WARN", "INFO", "BLOCK"],
  );
});
