import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import { exportCsv } from "./export-csv.ts";
import { exportFocus } from "./export-focus.ts";
import { exportJournal, journalFormats, type JournalFormat } from "./export-journal.ts";

export const exportNames = ["focus", "csv", "journal"] as const;
export type ExportName = (typeof exportNames)[number];

export interface Export {
  readonly fileName: string;
  readonly contentType: string;
  /** The file's text, piece by piece. */
  readonly text: AsyncIterable<string>;
}

/** What a month says, as a file. Throws FS_INPUT_INVALID for a form that the export does not have. */
export function exportOf(
  db: Reader,
  orgId: OrgId,
  { name, period, format }: { readonly name: ExportName; readonly period: Period; readonly format: string },
): Export {
  const asCsv = { fileName: `${name}-${period}.csv`, contentType: "text/csv; charset=utf-8" };
  if (name === "journal") {
    const known = journalFormats.find((each) => each === format);
    if (known === undefined) throw wrongFormat(format, journalFormats);
    const text = exportJournal(db, orgId, period, known);
    return known === "csv" ? { ...asCsv, text } : { ...plainText(known, period), text };
  }
  if (format !== "csv") throw wrongFormat(format, ["csv"]);
  return { ...asCsv, text: name === "focus" ? exportFocus(db, orgId, period) : exportCsv(db, orgId, period) };
}

function plainText(format: Exclude<JournalFormat, "csv">, period: Period) {
  return { fileName: `journal-${period}.${format}`, contentType: "text/plain; charset=utf-8" };
}

function wrongFormat(format: string, known: readonly string[]): FlowstateError {
  return new FlowstateError(
    "FS_INPUT_INVALID",
    `format: "${format.slice(0, 40)}" is not one of ${known.join(", ")}`,
  );
}
