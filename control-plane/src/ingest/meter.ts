import { isIP } from "node:net";
import { parseHostName } from "@flowstate/shared/net/host-port";
import type { OrgId } from "@flowstate/shared/ids";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { dayMs, hourOf, periodOf } from "@flowstate/shared/time";
import type { IngestAnswer } from "@flowstate/shared/wire/call";
import { meterRow, type MeterBatch, type MeterRow } from "@flowstate/shared/wire/meter";
import { raiseRevision } from "../orgs/orgs.ts";
import { crossedQuota } from "../proxy-status/quotas.ts";
import { noteCapture } from "../proxy-status/status.ts";
import type { Engine } from "../store/words.ts";
import type { Store, Writer } from "../store/open.ts";
import { readMessage } from "./message.ts";
import { addSeqs, containsSeq, printRanges, readRanges, type Ranges } from "./ranges.ts";
import { addToHours, addToMonths } from "./rollup.ts";

export interface MeterReport {
  readonly orgId: OrgId;
  /** The enrolment token's id. */
  readonly keyId: string;
  readonly batch: MeterBatch;
  readonly now: number;
}

/** So many holes in a source's numbering mean that it is broken; a healthy one has none. */
const mostRanges = 2000;

/**
 * Adds a batch to the rollups, exactly once however often and in whatever order it comes: the sequence numbers that a
 * source has delivered are kept with the sums, in the same transaction.
 */
export async function ingestMeter(store: Store, report: MeterReport): Promise<IngestAnswer> {
  const read = report.batch.rows.map((row) => readRow(row, report));
  const rejected = read.flatMap((row) => (row.ok ? [] : [{ seq: row.seq, reason: row.detail }]));
  const rows = read.flatMap((row) => (row.ok ? [row.value] : []));
  return store.transact(async (db) => {
    const source = await lockSource(db, report);
    const fresh = dropReceived(source.received, rows);
    // A rejected row has come, too: only what never came is a gap.
    const received = addSeqs(source.received, seqsOf([...fresh, ...rejected]));
    if (received.length > mostRanges) {
      const reason = "the source's sequence numbers have too many gaps";
      const refused = rows.map(({ seq }) => ({ seq, reason }));
      return { accepted: 0, duplicates: 0, rejected: [...rejected, ...refused] };
    }
    await addRows(db, store.engine, report, fresh);
    if (source.lastBatch !== report.batch.batch) await addRefusals(db, report);
    await db
      .updateTable("meter_sources")
      .set({
        received: printRanges(received),
        last_batch: report.batch.batch,
        last_reported_at: report.now,
        key_id: report.keyId,
      })
      .where("org_id", "=", report.orgId)
      .where("source", "=", report.batch.source)
      .execute();
    return { accepted: fresh.length, duplicates: rows.length - fresh.length, rejected };
  });
}

async function addRows(
  db: Writer,
  engine: Engine,
  { orgId, now }: MeterReport,
  rows: readonly MeterRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await addToHours(db, engine, orgId, rows);
  const totals = await addToMonths(db, engine, orgId, rows);
  await noteCapture(db, orgId, rows);
  if (await crossedQuota(db, orgId, periodOf(now), totals)) await raiseRevision(db, orgId);
}

type ReadRow = Parsed<MeterRow, "not_a_row"> & { readonly seq: number | null };

/** A row of the right shape, of this proxy's organisation, at a time that can be. Never throws. */
function readRow(given: unknown, { orgId, now }: MeterReport): ReadRow {
  const parsed = readMessage(meterRow, given);
  if (!parsed.ok) return { ...refuse("not_a_row", parsed.detail), seq: seqOf(given) };
  const row = parsed.value;
  const no = (detail: string): ReadRow => ({ ...refuse("not_a_row", detail), seq: row.seq });
  if (row.orgId !== orgId) return no("orgId: this token belongs to another organisation");
  if (row.hour !== hourOf(row.hour)) return no("hour: not the start of a UTC hour");
  if (row.hour > now + dayMs) return no("hour: more than a day in the future; check the proxy's clock");
  if (controlCharacter.test(row.subject)) return no("subject: holds a control character");
  const host = canonicalHost(row.host);
  if (host === null) return no("host: not a host name or address");
  return { ...ok({ ...row, host }), seq: row.seq };
}

const controlCharacter = /\p{Cc}/u;

function canonicalHost(text: string): string | null {
  if (isIP(text) === 6) return text;
  const name = parseHostName(text);
  return name.ok ? name.value.host : null;
}

function seqOf(given: unknown): number | null {
  const seq = typeof given === "object" && given !== null && "seq" in given ? given.seq : null;
  return typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 0 ? seq : null;
}

function seqsOf(rows: readonly { readonly seq: number | null }[]): readonly number[] {
  return rows.flatMap(({ seq }) => (seq === null ? [] : [seq]));
}

/** The rows whose number did not come before, neither in an earlier batch nor earlier in this one. */
function dropReceived(received: Ranges, rows: readonly MeterRow[]): readonly MeterRow[] {
  const seen = new Set<number>();
  return rows.filter(({ seq }) => {
    if (seen.has(seq) || containsSeq(received, seq)) return false;
    seen.add(seq);
    return true;
  });
}

/** The update that changes nothing holds the row, so that two deliveries of one source follow each other. */
async function lockSource(
  db: Writer,
  { orgId, keyId, batch, now }: MeterReport,
): Promise<{ readonly received: Ranges; readonly lastBatch: string }> {
  const row = await db
    .insertInto("meter_sources")
    .values({
      org_id: orgId,
      source: batch.source,
      key_id: keyId,
      received: "",
      last_batch: "",
      last_reported_at: now,
    })
    .onConflict((on) => on.columns(["org_id", "source"]).doUpdateSet({ key_id: keyId }))
    .returning(["received", "last_batch"])
    .executeTakeFirstOrThrow();
  return { received: readRanges(row.received), lastBatch: row.last_batch };
}

async function addRefusals(db: Writer, { orgId, batch, now }: MeterReport): Promise<void> {
  const period = periodOf(now);
  const values = Object.entries(batch.refusals ?? {})
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => ({
      org_id: orgId,
      period,
      reason: reason as keyof NonNullable<MeterBatch["refusals"]>,
      refusals: BigInt(count),
    }));
  if (values.length === 0) return;
  await db
    .insertInto("refused_credentials")
    .values(values)
    .onConflict((on) =>
      on.columns(["org_id", "period", "reason"]).doUpdateSet((row) => ({
        refusals: row("refused_credentials.refusals", "+", row.ref("excluded.refusals")),
      })),
    )
    .execute();
}
