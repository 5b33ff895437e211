import { FlowstateError } from "@flowstate/shared/errors";
import { newId, type OrgId } from "@flowstate/shared/ids";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { dateOf, type Period, type UsageDate } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { loadPeopleOf } from "../billing/batch.ts";
import { recordBillingChanged } from "../billing/changed.ts";
import { settleBefore } from "../billing/close-pull.ts";
import { loadRates } from "../billing/exchange.ts";
import type { LineSource } from "../billing/line-row.ts";
import { writeLines } from "../billing/lines.ts";
import type { BillLine } from "../providers/connector.ts";
import { kindLabels, type UsageProviderKind } from "../providers/kinds.ts";
import type { Reader, Store, Writer } from "../store/open.ts";
import type { OpenFile } from "./csv.ts";
import type { ImportHabits } from "./profile.ts";
import { readBill } from "./read-bill.ts";
import { reportOn, type ImportReport } from "./report.ts";
import type { ImportTables } from "./tables.ts";

/** A file and what the admin says about it. */
export interface ImportRequest {
  /** Whose bill it is. */
  readonly kind: UsageProviderKind;
  readonly fileName: string;
  readonly open: OpenFile;
  readonly habits: ImportHabits;
}

export interface ImportContext {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

/** A bill that came as a file. */
export interface BillingImport {
  readonly importId: string;
  readonly kind: UsageProviderKind;
  readonly fileName: string;
  readonly profile: string;
  readonly lines: bigint;
  readonly from: UsageDate;
  readonly to: UsageDate;
  readonly amountUsd: NanoUsd;
  readonly importedBy: string;
  readonly importedAt: number;
  readonly revertedAt: number | null;
}

/** Says what importing the file would do, bad lines by number, and whether it was imported before. Stores nothing. */
export async function previewImport(
  store: Store,
  { orgId }: ImportContext,
  { open, habits }: ImportRequest,
): Promise<ImportReport & { readonly importedBefore: BillingImport | null }> {
  const report = await reportOn(open, habits, await loadRates(store.reader, orgId));
  return { ...report, importedBefore: await findByHash(store.reader, orgId, report.fileHash) };
}

/**
 * Imports every line of the file, or none. Throws FS_INPUT_INVALID with the first bad line, and all that were named in
 * its details; FS_CONFLICT where the same file was imported before.
 */
export async function importBill(
  store: Store,
  context: ImportContext,
  request: ImportRequest,
): Promise<{ readonly imported: BillingImport; readonly added: number; readonly revised: number }> {
  const report = await previewImport(store, context, request);
  const { firstDay, lastDay } = refuseUnclean(report);
  return store.transact(async (db) => {
    const { orgId, actor, now } = context;
    const providerId = await requireImportProvider(db, context, request.kind);
    const imported: BillingImport = {
      importId: newId(now),
      kind: request.kind,
      fileName: request.fileName.slice(-200),
      profile: report.profile,
      lines: BigInt(report.lines),
      from: firstDay,
      to: lastDay,
      amountUsd: report.totals.reduce((sum, { amountUsd }) => sum + amountUsd, 0n) as NanoUsd,
      importedBy: actor,
      importedAt: now,
      revertedAt: null,
    };
    await insertImport(db, orgId, imported, providerId, report.fileHash);
    const source: LineSource = {
      orgId,
      providerId,
      kind: request.kind,
      importId: imported.importId,
      seenAt: now,
      now,
      rates: await loadRates(db, orgId),
      people: await loadPeopleOf(db, orgId, request.kind),
    };
    const counts = await writeAll(db, store, source, request, report);
    await settleBefore(db, source, dateOf(now));
    const detail = `${imported.fileName}: ${report.lines} lines, ${formatUsd(imported.amountUsd)} USD, ${kindLabels[request.kind]}`;
    await recordAudit(db, {
      orgId,
      at: now,
      actor,
      action: "billing.imported",
      target: imported.importId,
      detail,
    });
    return { imported, ...counts };
  });
}

/** Takes an import back: its lines count for nothing from now on, and stay for history. Throws FS_NOT_FOUND. */
export async function revertImport(
  db: Writer,
  { orgId, actor, now }: ImportContext,
  importId: string,
): Promise<void> {
  const reverted = await db
    .updateTable("billing_imports")
    .set({ reverted_at: now })
    .where("org_id", "=", orgId)
    .where("import_id", "=", importId)
    .where("reverted_at", "is", null)
    .returning("file_name")
    .executeTakeFirst();
  if (reverted === undefined) {
    throw new FlowstateError("FS_NOT_FOUND", `there is no import "${importId.slice(0, 40)}" to take back`);
  }
  const gone = await db
    .updateTable("billing_rows")
    .set({ withdrawn_at: now, updated_at: now })
    .where("org_id", "=", orgId)
    .where("import_id", "=", importId)
    .where("withdrawn_at", "is", null)
    .returning("period")
    .execute();
  await recordBillingChanged(db, orgId, new Set(gone.map(({ period }) => period as Period)), now);
  const detail = `${reverted.file_name}: ${gone.length} lines`;
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "billing.import_reverted",
    target: importId,
    detail,
  });
}

/** Imports of an organisation, the newest first. */
export async function listImports(
  db: Reader,
  orgId: OrgId,
  limit: number,
): Promise<readonly BillingImport[]> {
  const rows = await db
    .selectFrom("billing_imports")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("imported_at", "desc")
    .orderBy("import_id", "desc")
    .limit(limit)
    .execute();
  return rows.map(toImport);
}

function refuseUnclean(report: ImportReport & { readonly importedBefore: BillingImport | null }): {
  readonly firstDay: UsageDate;
  readonly lastDay: UsageDate;
} {
  const { faults, faultCount, importedBefore, firstDay, lastDay } = report;
  if (importedBefore !== null) {
    const at = new Date(importedBefore.importedAt).toISOString().slice(0, 16);
    throw new FlowstateError(
      "FS_CONFLICT",
      `the same file was imported as "${importedBefore.fileName}" at ${at}Z; take that import back first`,
    );
  }
  const [first] = faults;
  if (first !== undefined) {
    const more = faultCount > 1 ? ` (and ${faultCount - 1} more bad lines)` : "";
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `line ${first.line}: ${first.detail}${more}; nothing was imported`,
      {
        details: { faults, faultCount },
      },
    );
  }
  if (firstDay === null || lastDay === null) {
    throw new FlowstateError("FS_INPUT_INVALID", "the file has no line to import below its header");
  }
  return { firstDay, lastDay };
}

const batchSize = 1000;

/** The file is read once more, in the transaction: a line that has become bad meanwhile undoes all. */
async function writeAll(
  db: Writer,
  { engine }: Store,
  source: LineSource,
  { open, habits }: ImportRequest,
  report: ImportReport,
): Promise<{ readonly added: number; readonly revised: number }> {
  const { records } = await readBill(open, habits, report.fileHash);
  const periods = new Set<Period>();
  let [lines, added, revised] = [0, 0, 0];
  let batch: BillLine[] = [];
  const write = async (): Promise<void> => {
    const written = await writeLines(db, engine, source, batch);
    added += written.added;
    revised += written.revised;
    for (const period of written.periods) periods.add(period);
    batch = [];
  };
  for await (const { line, outcome } of records) {
    if (outcome.kind === "skipped") continue;
    if (outcome.kind === "fault") throw changedMeanwhile(`line ${line}: ${outcome.detail}`);
    lines += 1;
    batch.push(outcome.bill);
    if (batch.length === batchSize) await write();
  }
  await write();
  if (lines !== report.lines) throw changedMeanwhile(`${lines} lines instead of ${report.lines}`);
  await recordBillingChanged(db, source.orgId, periods, source.now);
  return { added, revised };
}

function changedMeanwhile(detail: string): FlowstateError {
  return new FlowstateError(
    "FS_CONFLICT",
    `the file changed while it was read (${detail}); nothing was imported`,
  );
}

/** Lines need an integration that they belong to; each kind of bill has one for its imports. */
async function requireImportProvider(
  db: Writer,
  { orgId, now }: ImportContext,
  kind: UsageProviderKind,
): Promise<string> {
  const known = await db
    .selectFrom("usage_providers")
    .select("provider_id")
    .where("org_id", "=", orgId)
    .where("kind", "=", "CSV_IMPORT")
    .where("account", "=", kind)
    .executeTakeFirst();
  const provider_id = known?.provider_id ?? newId(now);
  const name =
    kind === "CSV_IMPORT" ? kindLabels.CSV_IMPORT : `${kindLabels.CSV_IMPORT}: ${kindLabels[kind]}`;
  await db
    .insertInto("usage_providers")
    .values({
      org_id: orgId,
      provider_id,
      kind: "CSV_IMPORT",
      name,
      state: "ACTIVE",
      sealed_credentials: null,
      credential_hash: null,
      account: kind,
      last_sync_at: now,
      last_error: null,
      covered_from_day: null,
      covered_until_day: null,
      created_at: now,
      removed_at: null,
    })
    .onConflict((on) =>
      on.columns(["org_id", "provider_id"]).doUpdateSet({ last_sync_at: now, removed_at: null }),
    )
    .execute();
  return provider_id;
}

/** Two people may import the same file at once: one of them is refused. Throws FS_CONFLICT. */
async function insertImport(
  db: Writer,
  orgId: OrgId,
  given: BillingImport,
  providerId: string,
  fileHash: string,
): Promise<void> {
  const inserted = await db
    .insertInto("billing_imports")
    .values({
      org_id: orgId,
      import_id: given.importId,
      provider_id: providerId,
      kind: given.kind,
      file_name: given.fileName,
      file_hash: fileHash,
      profile: given.profile,
      lines: given.lines,
      from_day: given.from,
      until_day: given.to,
      amount_nano_usd: given.amountUsd,
      imported_by: given.importedBy,
      imported_at: given.importedAt,
      reverted_at: null,
    })
    .onConflict((on) => on.columns(["org_id", "file_hash"]).where("reverted_at", "is", null).doNothing())
    .returning("import_id")
    .executeTakeFirst();
  if (inserted === undefined) {
    throw new FlowstateError(
      "FS_CONFLICT",
      "the same file is being imported by somebody else; nothing was imported",
    );
  }
}

async function findByHash(db: Reader, orgId: OrgId, fileHash: string): Promise<BillingImport | null> {
  const row = await db
    .selectFrom("billing_imports")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("file_hash", "=", fileHash)
    .where("reverted_at", "is", null)
    .executeTakeFirst();
  return row === undefined ? null : toImport(row);
}

function toImport(row: ImportTables["billing_imports"]): BillingImport {
  return {
    importId: row.import_id,
    kind: row.kind as UsageProviderKind,
    fileName: row.file_name,
    profile: row.profile,
    lines: row.lines,
    from: row.from_day as UsageDate,
    to: row.until_day as UsageDate,
    amountUsd: row.amount_nano_usd as NanoUsd,
    importedBy: row.imported_by,
    importedAt: row.imported_at,
    revertedAt: row.reverted_at,
  };
}
