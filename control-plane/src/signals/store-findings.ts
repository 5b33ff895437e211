import type { OrgId } from "@flowstate/shared/ids";
import { dayMs } from "@flowstate/shared/time";
import type { Writer } from "../store/open.ts";
import { enqueueSignals } from "./delivery/outbox.ts";
import { scopeOf, signalIdOf, type Finding } from "./finding.ts";
import type { Signal } from "./queries.ts";
import { signalSeverities, signalTypes, weigh, type SignalSeverity, type SignalType } from "./types.ts";

export interface Stored {
  /** New signals, and known ones that have become graver. */
  readonly raised: readonly Signal[];
  readonly added: number;
  /** New ones beyond the day's share of their type; a later run finds them again. */
  readonly held: number;
}

/** New signals of one type on one UTC day: more would bury the rest. */
export const mostPerDay = 100;
/** A person's "false positive" holds for so long. */
const silenceMs = 30 * dayMs;

/**
 * Makes signals of findings. What is known already is brought up to date until somebody has resolved it; what was
 * called a false positive stays silent for 30 days; of each type at most a hundred are new on a day, the gravest first.
 * What is raised goes into the outbox of every destination that wants it.
 */
export async function storeFindings(
  db: Writer,
  orgId: OrgId,
  findings: readonly Finding[],
  now: number,
): Promise<Stored> {
  const accounts = await loadAccounts(db, orgId);
  const rows = [
    ...new Map(findings.map((each) => [signalIdOf(each), rowOf(each, orgId, accounts, now)])).values(),
  ];
  const known = await loadKnown(db, orgId, rows);
  const silent = await loadSilent(db, orgId, now);
  const raised: Signal[] = [];
  for (const row of rows) {
    const before = known.get(row.signal_id);
    if (before !== undefined && (await bringUpToDate(db, before, row))) raised.push(row);
  }
  const room = await roomOf(db, orgId, now);
  const fresh = rows
    .filter((row) => !known.has(row.signal_id) && !silent.has(row.scope))
    .sort((a, b) => rank(b.severity) - rank(a.severity) || b.happened_at - a.happened_at);
  let added = 0;
  for (const row of fresh) {
    const left = room.get(row.type) ?? mostPerDay;
    if (left === 0) continue;
    room.set(row.type, left - 1);
    await db.insertInto("signals").values(row).execute();
    raised.push(row);
    added += 1;
  }
  await enqueueSignals(db, orgId, "signal.detected", raised, now);
  return { raised, added, held: fresh.length - added };
}

interface Account {
  readonly accountId: string;
  readonly steps: -1 | 0 | 1;
}

const stepsOf = { production: 1, staging: 0, development: -1 } as const;

async function loadAccounts(db: Writer, orgId: OrgId): Promise<ReadonlyMap<string, Account>> {
  const rows = await db
    .selectFrom("service_accounts")
    .select(["subject", "account_id", "environment"])
    .where("org_id", "=", orgId)
    .execute();
  return new Map(
    rows.map((row) => [row.subject, { accountId: row.account_id, steps: stepsOf[row.environment] }]),
  );
}

/** A service account's environment weighs on the severity. */
function rowOf(finding: Finding, orgId: OrgId, accounts: ReadonlyMap<string, Account>, now: number): Signal {
  const { type, subject } = finding;
  const account = subject === null ? undefined : accounts.get(subject);
  return {
    org_id: orgId,
    signal_id: signalIdOf(finding),
    type,
    category: signalTypes[type].category,
    severity: weigh(finding.severity, account?.steps ?? 0),
    subject,
    service_account_id: account?.accountId ?? null,
    session_id: finding.sessionId,
    service: finding.service,
    scope: scopeOf(finding),
    detail: JSON.stringify({ rule: `${type}/${signalTypes[type].rule}`, ...finding.evidence }),
    happened_at: finding.at,
    detected_at: now,
    updated_at: now,
    resolution: null,
    resolved_at: null,
    resolved_by: null,
    note: null,
  };
}

async function loadKnown(
  db: Writer,
  orgId: OrgId,
  rows: readonly Signal[],
): Promise<ReadonlyMap<string, Signal>> {
  const known = new Map<string, Signal>();
  for (let at = 0; at < rows.length; at += chunk) {
    const ids = rows.slice(at, at + chunk).map(({ signal_id }) => signal_id);
    const found = await db
      .selectFrom("signals")
      .selectAll()
      .where("org_id", "=", orgId)
      .where("signal_id", "in", ids)
      .execute();
    for (const row of found) known.set(row.signal_id, row);
  }
  return known;
}

const chunk = 500;

/**
 * True where the signal has become graver. A resolved one stays as the person saw it; but one that its own person has
 * acknowledged opens again when it becomes graver, so that an early word hides nothing.
 */
async function bringUpToDate(
  db: Writer,
  before: Signal,
  { detail, severity, updated_at }: Signal,
): Promise<boolean> {
  if (before.detail === detail) return false;
  const isGraver = rank(severity) > rank(before.severity);
  const isOwnWord = before.resolution === "ACKNOWLEDGED" && before.resolved_by === before.subject;
  if (before.resolution !== null && !(isOwnWord && isGraver)) return false;
  await db
    .updateTable("signals")
    .set({ detail, updated_at, ...(isGraver ? { severity, ...unresolved } : {}) })
    .where("org_id", "=", before.org_id)
    .where("signal_id", "=", before.signal_id)
    .execute();
  return isGraver;
}

const unresolved = { resolution: null, resolved_at: null, resolved_by: null, note: null };

async function loadSilent(db: Writer, orgId: OrgId, now: number): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("signals")
    .select("scope")
    .distinct()
    .where("org_id", "=", orgId)
    .where("resolution", "=", "FALSE_POSITIVE")
    .where("resolved_at", ">", now - silenceMs)
    .execute();
  return new Set(rows.map(({ scope }) => scope));
}

/** How many of each type there may still be today. */
async function roomOf(db: Writer, orgId: OrgId, now: number): Promise<Map<SignalType, number>> {
  const rows = await db
    .selectFrom("signals")
    .select(["type", (row) => row.fn.countAll<bigint>().as("signals")])
    .where("org_id", "=", orgId)
    .where("detected_at", ">=", Math.floor(now / dayMs) * dayMs)
    .groupBy("type")
    .execute();
  return new Map(rows.map(({ type, signals }) => [type, Math.max(0, mostPerDay - Number(signals))]));
}

function rank(severity: SignalSeverity): number {
  return signalSeverities.indexOf(severity);
}
