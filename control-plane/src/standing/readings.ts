import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { zeroUsd, type NanoUsd } from "@flowstate/shared/money";
import { periodBounds, type Period } from "@flowstate/shared/time";
import { addressesOf, loadAliases } from "../directory/aliases.ts";
import type { SignalType } from "../signals/types.ts";
import type { Reader } from "../store/open.ts";
import type { OpenSignal, Reading } from "./ladder.ts";

/** Somebody with an account; nobody else could answer. */
export interface Accountable {
  /** The person's own address. */
  readonly subject: string;
  readonly addresses: readonly string[];
}

/** What somebody does and can mend; what may be another's doing under their name is for others to look at. */
export const ownDoing: readonly SignalType[] = [
  "spend_spike",
  "runaway_loop",
  "wasteful_prompting",
  "personal_use_company_account",
  "pii_detected",
  "secret_detected",
  "api_key_in_prompt",
  "customer_data_pattern",
  "banned_content_pattern",
];

export async function loadAccountable(db: Reader, orgId: OrgId): Promise<readonly Accountable[]> {
  const [members, aliases] = await Promise.all([
    db.selectFrom("members").select("email").where("org_id", "=", orgId).execute(),
    loadAliases(db, orgId),
  ]);
  const subjects = new Set(members.map(({ email }) => aliases.get(email) ?? email));
  return [...subjects].map((subject) => ({ subject, addresses: addressesOf(subject, aliases) }));
}

/** What a month's data says of these people, by track. Off-project spend is asked about where there are projects. */
export async function loadReadings(
  db: Reader,
  orgId: OrgId,
  people: readonly Accountable[],
  period: Period,
): Promise<ReadonlyMap<string, readonly Reading[]>> {
  const [hasProjects, amounts, signals] = await Promise.all([
    hasMarkedProject(db, orgId),
    loadOffProject(db, orgId, people, period),
    loadOpenSignals(db, orgId, people, period),
  ]);
  return new Map(
    people.map(({ subject, addresses }) => {
      const spend: readonly Reading[] = hasProjects
        ? [{ track: "OFF_PROJECT_SPEND", amount: sumOf(amounts, addresses) }]
        : [];
      const open = addresses.flatMap((address) => signals.get(address) ?? []);
      return [subject, [...spend, { track: "SIGNALS", open }]];
    }),
  );
}

/** At list price, whatever the plan: calls whose marker no project of the directory has. */
export async function readOffProject(
  db: Reader,
  orgId: OrgId,
  person: Accountable,
  period: Period,
): Promise<NanoUsd> {
  return sumOf(await loadOffProject(db, orgId, [person], period), person.addresses);
}

async function hasMarkedProject(db: Reader, orgId: OrgId): Promise<boolean> {
  const project = await db
    .selectFrom("projects")
    .select("project_id")
    .where("org_id", "=", orgId)
    .where("marker", "is not", null)
    .where("archived_at", "is", null)
    .limit(1)
    .executeTakeFirst();
  return project !== undefined;
}

/** By address: of one person alone, or of everybody. */
async function loadOffProject(
  db: Reader,
  orgId: OrgId,
  people: readonly Accountable[],
  period: Period,
): Promise<ReadonlyMap<string, NanoUsd>> {
  const { from, to } = periodBounds(period);
  let rows = db
    .selectFrom("usage_hours")
    .select(["subject", sql<NanoUsd>`CAST(sum(cost_nano_usd) AS BIGINT)`.as("amount")])
    .where("org_id", "=", orgId)
    .where("hour", ">=", from)
    .where("hour", "<", to)
    .where("project", "not in", (projects) =>
      projects
        .selectFrom("projects")
        .select((row) => row.ref("marker").$notNull().as("marker"))
        .where("org_id", "=", orgId)
        .where("marker", "is not", null),
    )
    .groupBy("subject");
  const [only, ...others] = people;
  if (only !== undefined && others.length === 0) rows = rows.where("subject", "in", only.addresses);
  return new Map((await rows.execute()).map(({ subject, amount }) => [subject, amount]));
}

async function loadOpenSignals(
  db: Reader,
  orgId: OrgId,
  people: readonly Accountable[],
  period: Period,
): Promise<ReadonlyMap<string, readonly OpenSignal[]>> {
  const { from, to } = periodBounds(period);
  let rows = db
    .selectFrom("signals")
    .select(["signal_id", "severity", "subject", "updated_at"])
    .where("org_id", "=", orgId)
    .where("detected_at", ">=", from)
    .where("detected_at", "<", to)
    .where("type", "in", ownDoing)
    .where("severity", "in", ["WARN", "BLOCK"])
    .where("resolution", "is", null)
    .where("subject", "is not", null)
    .orderBy("detected_at")
    .orderBy("signal_id");
  const [only, ...others] = people;
  if (only !== undefined && others.length === 0) rows = rows.where("subject", "in", only.addresses);
  const found = (await rows.execute()).map((row) => ({
    subject: row.subject ?? "",
    signal: {
      signalId: row.signal_id,
      severity: row.severity === "BLOCK" ? ("BLOCK" as const) : ("WARN" as const),
      updatedAt: row.updated_at,
    },
  }));
  return new Map(
    [...Map.groupBy(found, ({ subject }) => subject)].map(([subject, own]) => [
      subject,
      own.map(({ signal }) => signal),
    ]),
  );
}

function sumOf(amounts: ReadonlyMap<string, NanoUsd>, addresses: readonly string[]): NanoUsd {
  return addresses.reduce((sum, address) => (sum + (amounts.get(address) ?? zeroUsd)) as NanoUsd, zeroUsd);
}
