import { countMissing, readRanges } from "../../ingest/ranges.ts";
import { demoAccounts, demoDomain, demoKeyId } from "../../providers/demo/company.ts";
import type { Detector, Finding, Scope } from "../finding.ts";
import { magnitude } from "../figures.ts";

const noteworthyRows = 100;

/**
 * Sources number their rows without a gap and send them in order, so a missing number is a row that was lost. The demo
 * alone numbers by day.
 */
export const sequenceGap: Detector = {
  types: ["sequence_gap"],
  cadence: "soon",
  async find(scope) {
    const [devices, proxies] = [await loadDevices(scope), await loadProxies(scope)];
    return [...devices, ...proxies].flatMap((source) => judgeSource(source));
  },
};

export interface Source {
  readonly kind: "device" | "proxy";
  readonly id: string;
  readonly subject: string | null;
  /** Ranges as they are stored. */
  readonly received: string;
  readonly lastReportedAt: number;
}

/** The signal, if any, of one source's numbering; each tenfold of what is missing is an occurrence. */
export function judgeSource({ kind, id, subject, received, lastReportedAt }: Source): readonly Finding[] {
  // One range has no gap; nearly every source stops here.
  if (!received.includes(",")) return [];
  const missing = countMissing(readRanges(received));
  return [
    {
      type: "sequence_gap",
      severity: missing >= noteworthyRows ? "WARN" : "INFO",
      subject,
      sessionId: null,
      service: null,
      about: `${kind} ${id}`,
      occurrence: String(magnitude(missing)),
      at: lastReportedAt,
      evidence: { source: kind, id, missingRows: missing },
    },
  ];
}

async function loadDevices({ db, orgId, from, to, personOf }: Scope): Promise<readonly Source[]> {
  const rows = await db
    .selectFrom("devices")
    .select(["source", "subject", "received", "last_reported_at"])
    .where("org_id", "=", orgId)
    .where("last_reported_at", ">=", from)
    .where("last_reported_at", "<", to)
    .where("subject", "not like", `%@${demoDomain}`)
    .where("subject", "not like", `${demoAccounts}%`)
    .execute();
  return rows.map((row) => ({
    kind: "device",
    id: row.source,
    subject: personOf(row.subject),
    received: row.received,
    lastReportedAt: row.last_reported_at,
  }));
}

async function loadProxies({ db, orgId, from, to }: Scope): Promise<readonly Source[]> {
  const rows = await db
    .selectFrom("meter_sources")
    .select(["source", "received", "last_reported_at"])
    .where("org_id", "=", orgId)
    .where("last_reported_at", ">=", from)
    .where("last_reported_at", "<", to)
    .where("key_id", "<>", demoKeyId)
    .execute();
  return rows.map((row) => ({
    kind: "proxy",
    id: row.source,
    subject: null,
    received: row.received,
    lastReportedAt: row.last_reported_at,
  }));
}
