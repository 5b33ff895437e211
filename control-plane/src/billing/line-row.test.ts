import test from "ava";
import { orgId } from "@flowstate/shared/ids";
import { dayMs, type UsageDate } from "@flowstate/shared/time";
import { stateAmount } from "../providers/amount.ts";
import { billLine, type BillLine } from "../providers/connector.ts";
import { decide, rowIdOf, toRow, type LineRow } from "./line-row.ts";

const day = "2026-11-10" as UsageDate;
const dayEnd = Date.parse(`${day}T00:00:00Z`) + dayMs;

function rowAt(seenAt: number, given: Partial<BillLine> = {}, text = "1.5"): LineRow {
  const amount = stateAmount(text, "USD");
  if (!amount.ok) throw new Error(amount.detail);
  const { line } = billLine({
    feed: "costs",
    key: day,
    service: "openai-api",
    identity: { kind: "api_key", value: "key_1" },
    day,
    description: "input",
    amount: amount.value,
    record: { text },
    ...given,
  });
  return toRow(line, {
    orgId: orgId("org"),
    providerId: "p1",
    kind: "OPENAI",
    importId: null,
    seenAt,
    now: seenAt,
    rates: new Map(),
    people: { subjectOf: () => null },
  });
}

const cases: readonly [name: string, known: LineRow | null, row: LineRow, expected: string][] = [
  ["a line nobody knew", null, rowAt(dayEnd), "new, revision 1"],
  ["the same line", rowAt(dayEnd), rowAt(dayEnd + 1), "none, revision 1"],
  ["another amount after the day's end", rowAt(dayEnd), rowAt(dayEnd + 1, {}, "1.6"), "stated, revision 2"],
  [
    "another amount of a day that was not over",
    rowAt(dayEnd - 1),
    rowAt(dayEnd, {}, "1.6"),
    "stated, revision 1",
  ],
  ["other tokens", rowAt(dayEnd), rowAt(dayEnd + 1, { requests: 2n }), "stated, revision 2"],
  [
    "another description",
    rowAt(dayEnd),
    rowAt(dayEnd + 1, { description: "Input" }),
    "described, revision 1",
  ],
  [
    "a withdrawn line that is back",
    { ...rowAt(dayEnd), withdrawn_at: 1 },
    rowAt(dayEnd + 1),
    "described, revision 1",
  ],
  ["a third figure", { ...rowAt(dayEnd), revision: 2n }, rowAt(dayEnd + 1, {}, "1.7"), "stated, revision 3"],
];
for (const [name, known, row, expected] of cases) {
  test(`${name} -> ${expected}`, (t) => {
    const { change, row: decided } = decide(known, row);
    t.is(`${change}, revision ${decided.revision}`, expected);
    t.is(decided.first_seen_at, known?.first_seen_at ?? row.first_seen_at);
  });
}

test("a line has the same id in every pull of one integration, and another in another's", (t) => {
  t.is(rowAt(1).row_id, rowAt(2, {}, "9").row_id);
  t.is(rowAt(1).row_id, rowIdOf("p1", `costs:${day}`, day));
  t.not(rowIdOf("p2", `costs:${day}`, day), rowIdOf("p1", `costs:${day}`, day));
  t.true(rowAt(1).row_id.startsWith("20261110"));
});
