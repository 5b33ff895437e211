import { addUsd, splitUsd, type NanoUsd } from "@flowstate/shared/money";
import { addDays, dayMs, type UsageDate } from "@flowstate/shared/time";
import type { BillFact, Match, MatchRule, ObservedFact, Share } from "./facts.ts";
import {
  autoMilliBits,
  clearMilliBits,
  scoreOf,
  suggestMilliBits,
  weigh,
  withinTolerance,
  type Comparison,
} from "./score.ts";
import { onlySubset } from "./subset.ts";

/**
 * Finds which bill lines and which observed usage are the same spend. Pure and deterministic: the answer depends on
 * the facts alone, not on their order. Lines of one provider and person are compared one by one, model by model, then by the day's
 * total, then as sums of a few, then with the day before and after; a line that names nobody is compared with what is
 * left of its provider's day. Nothing is used twice.
 */
export function matchFacts(rows: readonly BillFact[], facts: readonly ObservedFact[]): readonly Match[] {
  const named = Map.groupBy(rows.toSorted(byId), ({ provider, subject }) => `${provider}\n${subject ?? ""}`);
  const seen = Map.groupBy(facts.toSorted(byId), ({ provider, subject }) => `${provider}\n${subject}`);
  const matches: Match[] = [];
  const used = new Set<string>();
  for (const [block, own] of [...named].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (block.endsWith("\n")) continue;
    for (const match of matchPerson(own, seen.get(block) ?? [])) {
      matches.push(match);
      for (const id of match.factIds) used.add(id);
    }
  }
  const left = new Set(facts.filter(({ factId }) => !used.has(factId)).toSorted(byId));
  const unnamed = rows.filter(({ subject }) => subject === null).toSorted(byId);
  const keyed = Map.groupBy(
    unnamed.filter(({ keyUsers }) => keyUsers.length > 0),
    ({ provider, day, model, keyUsers }) => [provider, day, model ?? "", ...keyUsers].join("\n"),
  );
  const rest = Map.groupBy(
    unnamed.filter(({ keyUsers }) => keyUsers.length === 0),
    ({ provider, day }) => `${provider}\n${day}`,
  );
  for (const [, own] of [...keyed, ...rest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const match = matchUnnamed(own, left);
    if (match === null) continue;
    matches.push(match.match);
    for (const fact of match.facts) left.delete(fact);
  }
  return matches;
}

function matchPerson(rows: readonly BillFact[], facts: readonly ObservedFact[]): readonly Match[] {
  const open = { rows: new Set(rows), facts: new Set(facts) };
  const matches: Match[] = [];
  const take = (group: Group | null): void => {
    if (group === null) return;
    const match = judge(group, rows, facts);
    if (match === null) return;
    matches.push(match);
    for (const row of group.rows) open.rows.delete(row);
    for (const fact of group.facts) open.facts.delete(fact);
  };
  const perModel = (item: { day: string; model: string | null }): string =>
    `${item.day}\n${item.model ?? ""}`;
  for (const group of pairs(open, ({ day }) => day)) {
    for (const one of onesOf({ rows: new Set(group.rows), facts: new Set(group.facts) }, 0)) take(one);
  }
  for (const group of pairs(open, perModel)) if (equal(group)) take(group);
  for (const group of pairs(open, ({ day }) => day)) if (equal(group)) take(group);
  for (const group of pairs(open, ({ day }) => day)) for (const part of fewOf(group)) take(part);
  for (const daysApart of [1, 2]) {
    for (const group of shifted(open, daysApart)) take(group);
    for (const one of onesOf(open, daysApart)) take(one);
  }
  for (const group of pairs(open, perModel)) take({ ...group, ambiguous: false });
  for (const group of pairs(open, ({ day }) => day)) take(group);
  return matches;
}

interface Group {
  readonly rows: readonly BillFact[];
  readonly facts: readonly ObservedFact[];
  readonly daysApart: number;
  readonly ambiguous: boolean;
}

interface Open {
  readonly rows: ReadonlySet<BillFact>;
  readonly facts: ReadonlySet<ObservedFact>;
}

/** Open lines and open facts that meet under one key. */
function pairs(open: Open, keyOf: (item: BillFact | ObservedFact) => string): readonly Group[] {
  const facts = Map.groupBy(open.facts, keyOf);
  return [...Map.groupBy(open.rows, keyOf)].flatMap(([key, rows]) => {
    const met = facts.get(key);
    return met === undefined ? [] : [{ rows, facts: met, daysApart: 0, ambiguous: false }];
  });
}

function equal({ rows, facts }: Group): boolean {
  return withinTolerance(billedOf(rows), observedOf(facts));
}

/** A line and a fact of one model that say the same, to the nano-dollar first, where neither has another such. */
function onesOf({ rows, facts }: Open, daysApart: number): readonly Group[] {
  const found: Group[] = [];
  const open = { rows: new Set(rows), facts: new Set(facts) };
  for (const same of [(row: BillFact, { cost }: ObservedFact) => row.amount === cost, withinOne]) {
    const fits = (row: BillFact, fact: ObservedFact): boolean =>
      (row.model === null || fact.model === null || row.model === fact.model) &&
      dayDistance(row.day, fact.day) === daysApart &&
      same(row, fact);
    for (const row of open.rows) {
      const [fact, ...others] = [...open.facts].filter((each) => fits(row, each));
      if (fact === undefined || others.length > 0) continue;
      if ([...open.rows].some((each) => each !== row && fits(each, fact))) continue;
      found.push({ rows: [row], facts: [fact], daysApart, ambiguous: false });
      open.rows.delete(row);
      open.facts.delete(fact);
    }
  }
  return found;
}

function withinOne(row: BillFact, fact: ObservedFact): boolean {
  return withinTolerance(row.amount, fact.cost);
}

/** One line that is the sum of a few facts, or one fact that is the sum of a few lines. */
function fewOf({ rows, facts }: Group): readonly Group[] {
  const found: Group[] = [];
  const openFacts = new Set(facts);
  const openRows = new Set(rows);
  for (const row of rows) {
    const few = onlySubset([...openFacts], ({ cost }) => cost, row.amount);
    if (few === null) continue;
    found.push({ rows: [row], facts: few.items, daysApart: 0, ambiguous: !few.only });
    openRows.delete(row);
    for (const fact of few.items) openFacts.delete(fact);
  }
  for (const fact of openFacts) {
    const few = onlySubset([...openRows], ({ amount }) => amount, fact.cost);
    if (few === null) continue;
    found.push({ rows: few.items, facts: [fact], daysApart: 0, ambiguous: !few.only });
    for (const row of few.items) openRows.delete(row);
  }
  return found;
}

/** A day's lines that equal the facts of a day before or after: vendors and people live in different time zones. */
function shifted(open: Open, daysApart: number): readonly Group[] {
  const facts = Map.groupBy(open.facts, ({ day }) => day);
  const taken = new Set<UsageDate>();
  return [...Map.groupBy(open.rows, ({ day }) => day)].flatMap(([day, rows]) => {
    const candidates = [-daysApart, daysApart].flatMap((shift) => {
      const other = addDays(day, shift);
      const met = facts.get(other);
      const group = met === undefined ? null : { rows, facts: met, daysApart, ambiguous: false };
      return group !== null && !taken.has(other) && equal(group) ? [{ other, group }] : [];
    });
    const [first, ...rest] = candidates;
    if (first === undefined) return [];
    taken.add(first.other);
    return [{ ...first.group, ambiguous: rest.length > 0 }];
  });
}

/** Weighs a group against its rivals among the same person's facts. Null where it is too weak to be shown. */
function judge(group: Group, rows: readonly BillFact[], facts: readonly ObservedFact[]): Match | null {
  const billed = billedOf(group.rows);
  const observed = observedOf(group.facts);
  const comparison: Comparison = {
    subject: "same",
    model: modelOf(group.rows, group.facts),
    daysApart: group.daysApart,
    billed,
    observed,
    billedTokens: billedTokensOf(group.rows),
    observedTokens: observedTokensOf(group.facts),
  };
  const evidence = weigh(comparison);
  const score = scoreOf(evidence);
  if (score < suggestMilliBits) return null;
  const ambiguous =
    group.ambiguous || rivalScore(group, facts) > score - clearMilliBits || twins(group, rows);
  const certain = score >= autoMilliBits && withinTolerance(billed, observed) && !ambiguous;
  return {
    rowIds: group.rows.map(({ rowId }) => rowId),
    factIds: group.facts.map(({ factId }) => factId),
    rule: ruleOf(group, billed, observed),
    billed,
    observed,
    evidence,
    ambiguous,
    outcome: certain ? "auto_matched" : "suggested",
    shares: [],
  };
}

/** The best score of a single fact outside the group, as an explanation of the group's first line. */
function rivalScore({ rows, facts }: Group, all: readonly ObservedFact[]): number {
  const [row, ...more] = rows;
  if (row === undefined || more.length > 0 || facts.length > 1) return -Infinity;
  const own = new Set(facts);
  return all
    .filter((fact) => !own.has(fact) && dayDistance(row.day, fact.day) <= 2)
    .map((fact) =>
      scoreOf(
        weigh({
          subject: "same",
          model: modelOf([row], [fact]),
          daysApart: dayDistance(row.day, fact.day),
          billed: row.amount,
          observed: fact.cost,
          billedTokens: row.tokens,
          observedTokens: fact.tokens,
        }),
      ),
    )
    .reduce((best, score) => Math.max(best, score), -Infinity);
}

/** Another line of the same day says the same: which of them was seen cannot be told. */
function twins({ rows, facts }: Group, all: readonly BillFact[]): boolean {
  const [row] = rows;
  if (row === undefined || rows.length > 1 || facts.length > 1) return false;
  return all.some(
    (other) =>
      other !== row && other.day === row.day && other.model === row.model && other.amount === row.amount,
  );
}

/** Lines that name nobody against what is left of their provider's day, or of the users of their key. */
function matchUnnamed(
  rows: readonly BillFact[],
  left: ReadonlySet<ObservedFact>,
): { readonly match: Match; readonly facts: readonly ObservedFact[] } | null {
  const [line] = rows;
  if (line === undefined) return null;
  const { provider, day, model, keyUsers } = line;
  const keyed = keyUsers.length > 0;
  const facts = [...left].filter(
    (fact) =>
      fact.provider === provider &&
      fact.day === day &&
      (!keyed || (keyUsers.includes(fact.subject) && (model === null || fact.model === model))),
  );
  if (facts.length === 0) return null;
  const billed = billedOf(rows);
  const observed = observedOf(facts);
  const subject = keyed ? "users of the key" : "unnamed";
  const evidence = weigh({
    subject,
    model: modelOf(rows, facts),
    daysApart: 0,
    billed,
    observed,
    billedTokens: billedTokensOf(rows),
    observedTokens: observedTokensOf(facts),
  });
  if (scoreOf(evidence) < suggestMilliBits) return null;
  const match: Match = {
    rowIds: rows.map(({ rowId }) => rowId),
    factIds: facts.map(({ factId }) => factId),
    rule: "shared_key",
    billed,
    observed,
    evidence,
    ambiguous: false,
    outcome: "suggested",
    shares: rows.flatMap((row) => sharesOf(row, facts)),
  };
  return { match, facts };
}

/** Splits a line over people by what was observed of each, to the last nano-dollar. */
function sharesOf({ rowId, amount }: BillFact, facts: readonly ObservedFact[]): readonly Share[] {
  const people = [...Map.groupBy(facts, ({ subject }) => subject)];
  const parts = splitUsd(
    amount,
    people.map(([, own]) => observedOf(own)),
  );
  if (parts === null) return [];
  return people.flatMap(([subject], index) => {
    const part = parts[index];
    return part === undefined ? [] : [{ rowId, subject, amount: part }];
  });
}

function ruleOf({ rows, facts }: Group, billed: NanoUsd, observed: NanoUsd): MatchRule {
  if (rows.length === 1 && facts.length === 1) return billed === observed ? "exact" : "tolerant";
  if (rows.length === 1) return "one_to_many";
  return facts.length === 1 ? "many_to_one" : "many_to_many";
}

function modelOf(rows: readonly BillFact[], facts: readonly ObservedFact[]): Comparison["model"] {
  const [row, fact] = [rows[0]?.model ?? null, facts[0]?.model ?? null];
  if ([...rows, ...facts].some(({ model }) => model === null)) return "unknown";
  if (rows.some(({ model }) => model !== row) || facts.some(({ model }) => model !== fact)) return "several";
  return row === fact ? "same" : "other";
}

function byId(a: BillFact | ObservedFact, b: BillFact | ObservedFact): number {
  const [left, right] = [idOf(a), idOf(b)];
  return left < right ? -1 : Number(left > right);
}

function idOf(item: BillFact | ObservedFact): string {
  return "rowId" in item ? item.rowId : item.factId;
}

const billedOf = (rows: readonly BillFact[]): NanoUsd => addUsd(...rows.map(({ amount }) => amount));
const observedOf = (facts: readonly ObservedFact[]): NanoUsd => addUsd(...facts.map(({ cost }) => cost));
const observedTokensOf = (facts: readonly ObservedFact[]): bigint =>
  facts.reduce((sum, { tokens }) => sum + tokens, 0n);

/** Null where one of the lines does not say. */
function billedTokensOf(rows: readonly BillFact[]): bigint | null {
  let sum = 0n;
  for (const { tokens } of rows) {
    if (tokens === null) return null;
    sum += tokens;
  }
  return sum;
}

function dayDistance(a: string, b: string): number {
  return Math.abs(Date.parse(a) - Date.parse(b)) / dayMs;
}
