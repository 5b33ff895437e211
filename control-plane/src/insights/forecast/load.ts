import { setImmediate as breathe } from "node:timers/promises";
import type { OrgId } from "@flowstate/shared/ids";
import { addDays, addMonths, dateOf, dayMs, periodOf, type Period } from "@flowstate/shared/time";
import { loadAliases } from "../../directory/aliases.ts";
import type { Reader } from "../../store/open.ts";
import { loadEmployees, loadTeams } from "../../usage-queries/facts.ts";
import { sumPaid } from "../usage-months.ts";
import type { DayAmount } from "./current-month.ts";
import type { ForecastFacts, MonthSpend, Spend } from "./facts.ts";

/** Months that a forecast looks back over. */
const mostMonths = 60;
/** Thirteen weeks for steadiness, which hold the eight weeks of the weekdays' profile and the current month. */
const recentDays = 91;
const actualDays = 30;

/** Everything that a forecast is made from on the day of `now`, from the sums by month and the hours of the last days. */
export async function loadForecastFacts(db: Reader, orgId: OrgId, now: number): Promise<ForecastFacts> {
  const today = dateOf(now);
  const [employees, teams, aliases, allocations, projects] = await Promise.all([
    loadEmployees(db, orgId),
    loadTeams(db, orgId),
    loadAliases(db, orgId),
    loadAllocations(db, orgId),
    loadProjects(db, orgId),
  ]);
  const personOf = (subject: string): string => aliases.get(subject) ?? subject;
  const projectOf = new Map(
    projects.flatMap(({ projectId, marker }) => (marker === null ? [] : [[marker, projectId]])),
  );
  const spendOf = (row: { subject: string; project: string; paid: bigint }): Spend => ({
    subject: personOf(row.subject),
    projectId: projectOf.get(row.project) ?? null,
    nanoUsd: row.paid,
  });
  const months = await loadMonths(db, orgId, addMonths(periodOf(now), -mostMonths));
  const days = new Map<string, DayAmount[]>();
  const recent: Spend[] = [];
  for (let day = addDays(today, -recentDays); day < today; day = addDays(day, 1)) {
    const from = Date.parse(day);
    const byPerson = new Map<string, bigint>();
    for (const spend of (await sumPaid(db, orgId, from, from + dayMs)).map(spendOf)) {
      byPerson.set(spend.subject, (byPerson.get(spend.subject) ?? 0n) + spend.nanoUsd);
      if (day >= addDays(today, -actualDays)) recent.push(spend);
    }
    for (const [subject, nanoUsd] of byPerson) {
      const own = days.get(subject) ?? [];
      own.push({ day, nanoUsd });
      days.set(subject, own);
    }
    await breathe();
  }
  return {
    today,
    spends: months.map((row): MonthSpend => ({ ...spendOf(row), period: row.period as Period })),
    recent,
    days,
    people: employees.map(({ email, ...rest }) => ({ ...rest, subject: email })),
    allocations,
    projectIds: projects.filter(({ archived }) => !archived).map(({ projectId }) => projectId),
    teamIds: teams.map(({ teamId }) => teamId),
  };
}

async function loadMonths(db: Reader, orgId: OrgId, since: Period) {
  return db
    .selectFrom("usage_months")
    .select(["period", "subject", "project", "paid_nano_usd as paid"])
    .where("org_id", "=", orgId)
    .where("period", ">=", since)
    .execute();
}

export async function loadAllocations(db: Reader, orgId: OrgId): Promise<ForecastFacts["allocations"]> {
  return db
    .selectFrom("allocations")
    .select([
      "employee_id as employeeId",
      "project_id as projectId",
      "team_id as teamId",
      "fte_ppm as ftePpm",
      "from_day as fromDay",
      "until_day as untilDay",
    ])
    .where("org_id", "=", orgId)
    .orderBy("allocation_id")
    .execute();
}

export async function loadProjects(db: Reader, orgId: OrgId) {
  const rows = await db
    .selectFrom("projects")
    .select(["project_id as projectId", "name", "cost_centre as costCentre", "marker", "archived_at"])
    .where("org_id", "=", orgId)
    .orderBy("project_id", "desc")
    .execute();
  return rows.map(({ archived_at, ...row }) => ({ ...row, archived: archived_at !== null }));
}
