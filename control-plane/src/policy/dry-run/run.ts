import { setImmediate as breathe } from "node:timers/promises";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { PolicyDocument, PolicyRule } from "@flowstate/shared/policy/document";
import { isHostEntry } from "@flowstate/shared/policy/parse";
import { addDays, dateOf, dayMs, hourMs, type UsageDate } from "@flowstate/shared/time";
import type { Reader } from "../../store/open.ts";
import { paidBilling } from "../../usage/paid.ts";
import { loadMemberships, type Memberships } from "../memberships.ts";
import { createSimulation, type DryRun, type UsageCell } from "./simulate.ts";
import { firstDayFor } from "./spends.ts";

export interface DryRunWindow {
  readonly now: number;
  /** Whole UTC days before today, and today so far. */
  readonly days: number;
}

export interface DryRunAnswer extends DryRun {
  readonly firstDay: UsageDate;
  readonly lastDay: UsageDate;
}

/**
 * What a policy would have done in the last days, by the calls that devices reported. Calls are read a day at a time, so
 * that everything else goes on meanwhile.
 */
export async function dryRunPolicy(
  db: Reader,
  orgId: OrgId,
  document: PolicyDocument,
  { now, days }: DryRunWindow,
): Promise<DryRunAnswer> {
  const lastDay = dateOf(now);
  const firstDay = addDays(lastDay, 1 - days);
  const memberships = await loadMemberships(db, orgId, now);
  const simulation = createSimulation(document, memberships);
  const read = document.rules.some(namesHosts) ? readCalls : readHours;
  const since = document.rules.map((rule) => firstDayFor(rule, firstDay)).reduce(earlier, firstDay);
  for (let day = since; day <= lastDay; day = addDays(day, 1)) {
    const cells = await read(db, orgId, Date.parse(day), memberships);
    if (day < firstDay) simulation.before(day, cells);
    else simulation.judge(day, cells);
    await breathe();
  }
  return { firstDay, lastDay, ...simulation.finish() };
}

function earlier(a: UsageDate, b: UsageDate): UsageDate {
  return a < b ? a : b;
}

function namesHosts(rule: PolicyRule): boolean {
  return "providers" in rule && (rule.providers?.some(isHostEntry) ?? false);
}

type Row = Omit<UsageCell, "person"> & { readonly subject: string };

type ReadDay = (
  db: Reader,
  orgId: OrgId,
  from: number,
  memberships: Memberships,
) => Promise<readonly UsageCell[]>;

const paid = sql.join([...paidBilling]);

/** A day by the sums of its hours, which do not know hosts. */
const readHours: ReadDay = async (db, orgId, from, memberships) => {
  const { rows } = await sql<Omit<Row, "host">>`SELECT hour, subject, provider, nullif(model, '') AS model,
      CAST(sum(calls) AS BIGINT) AS calls, CAST(sum(cost_nano_usd) AS BIGINT) AS "costNanoUsd",
      CAST(sum(CASE WHEN billing IN (${paid}) THEN cost_nano_usd ELSE 0 END) AS BIGINT) AS "paidNanoUsd"
    FROM usage_hours WHERE org_id = ${orgId} AND hour >= ${from} AND hour < ${from + dayMs}
    GROUP BY hour, subject, provider, model ORDER BY hour`.execute(db);
  return rows.map((row) => cellOf({ ...row, host: null }, memberships));
};

/** A day by its calls themselves, for rules that look at hosts. */
const readCalls: ReadDay = async (db, orgId, from, memberships) => {
  const { rows } =
    await sql<Row>`SELECT occurred_at - occurred_at % ${hourMs} AS hour, subject, provider, host, model,
      count(*) AS calls, CAST(sum(coalesce(cost_nano_usd, 0)) AS BIGINT) AS "costNanoUsd",
      CAST(sum(CASE WHEN billing IN (${paid}) THEN coalesce(cost_nano_usd, 0) ELSE 0 END) AS BIGINT) AS "paidNanoUsd"
    FROM calls WHERE org_id = ${orgId} AND occurred_at >= ${from} AND occurred_at < ${from + dayMs}
    GROUP BY 1, subject, provider, host, model ORDER BY 1`.execute(db);
  return rows.map((row) => cellOf(row, memberships));
};

function cellOf({ subject, ...row }: Row, { personOf }: Memberships): UsageCell {
  return { ...row, person: personOf(subject) };
}
