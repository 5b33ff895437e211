/** How well a month of made companies is reconciled, by the truth that only the generator knows. */
import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import { reconcilePeriod } from "../src/reconcile/run.ts";
import { summarise } from "../src/reconcile/summary.ts";
import type { Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { makeCompany } from "./support/company.ts";
import { forgetCompany, tellCompany } from "./support/tell-company.ts";

const period = "2026-10" as Period;
const now = Date.parse("2026-11-20T09:30:00Z");
const seeds = [1, 2, 3, 4];

/** Causes that a bill line has by its kind; naming them is no art. */
const given = new Set(["seat_fee", "shared_key", "commitment_or_credit", "tax_or_fee", "included_usage"]);

testOnBothEngines("made companies are reconciled as it truly was", async (t, { store, orgId }) => {
  let accepted = 0;
  let right = 0;
  let possible = 0;
  const amounts = { all: { injected: 0n, named: 0n }, hard: { injected: 0n, named: 0n } };
  for (const seed of seeds) {
    const company = makeCompany(seed, 60);
    await tellCompany(store, orgId, company);
    for (const month of [period, "2026-11" as Period])
      await reconcilePeriod(store, { orgId, period: month, now });
    for (const { rows, facts } of await acceptedGroups(store, orgId)) {
      const meant = rows.flatMap((row) => company.truth.get(row) ?? []);
      accepted += rows.length;
      if (new Set(meant).symmetricDifference(new Set(facts)).size === 0) right += rows.length;
    }
    possible += company.truth.size;
    const { causes } = await summarise(store.reader, orgId, period, now);
    for (const [cause, amount] of company.injected) {
      const reported = causes.find((part) => part.cause === cause)?.amount ?? 0n;
      for (const sum of given.has(cause) ? [amounts.all] : [amounts.all, amounts.hard]) {
        sum.injected += size(amount);
        if (reported > 0n === amount > 0n) sum.named += least(size(amount), size(reported));
      }
    }
    await forgetCompany(store, orgId);
  }
  const share = ({ injected, named }: { injected: bigint; named: bigint }): number =>
    Number((named * 10_000n) / injected) / 10_000;
  const figures = {
    precision: right / accepted,
    recall: right / possible,
    causes: share(amounts.all),
    hardCauses: share(amounts.hard),
  };
  t.log(figures);
  t.true(figures.precision >= 0.999);
  t.true(figures.recall >= 0.95);
  t.true(figures.causes >= 0.95);
  t.true(figures.hardCauses >= 0.95);
});

async function acceptedGroups(store: Store, orgId: OrgId) {
  const rows = await store.reader
    .selectFrom("reconciliation_rows")
    .select(["row_id", "match_id"])
    .where("org_id", "=", orgId)
    .where("status", "=", "auto_matched")
    .execute();
  const facts = await store.reader
    .selectFrom("matched_facts")
    .select(["match_id", "fact_id"])
    .where("org_id", "=", orgId)
    .execute();
  const factsOf = Map.groupBy(facts, ({ match_id }) => match_id);
  return [...Map.groupBy(rows, ({ match_id }) => match_id ?? "")].map(([match, own]) => ({
    rows: own.map(({ row_id }) => row_id),
    facts: (factsOf.get(match) ?? []).map(({ fact_id }) => fact_id.replace(/\|$/, "")),
  }));
}

const size = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
