import { hash } from "node:crypto";
import { FlowstateError } from "@flowstate/shared/errors";
import type { BillLine } from "../providers/connector.ts";
import { readCsv, type OpenFile } from "./csv.ts";
import { focusProfile } from "./focus.ts";
import { genericProfile } from "./generic.ts";
import { resolveColumns, type ImportHabits, type ImportProfile, type LineOutcome } from "./profile.ts";

/** One record of the file and what became of it. */
export interface ReadRecord {
  readonly line: number;
  readonly outcome:
    | Exclude<LineOutcome, { readonly kind: "line" }>
    | { readonly kind: "line"; readonly bill: BillLine };
}

export interface ReadBill {
  /** Which kind of file it was taken for: focus, generic, or a vendor's export. */
  readonly profile: string;
  readonly records: AsyncIterable<ReadRecord>;
}

/**
 * Reads a bill out of a CSV file as it streams by. `fileHash` makes the keys of lines that have no identity of their
 * own. Throws FS_INPUT_INVALID where the header cannot be read.
 */
export async function readBill(open: OpenFile, habits: ImportHabits, fileHash: string): Promise<ReadBill> {
  const records = readCsv(open);
  const first = await records.next();
  if (first.done === true) throw new FlowstateError("FS_INPUT_INVALID", "the file is empty");
  const header = first.value.cells;
  const profile = choose(header, habits);
  return { profile: profile.id, records: readAll(records, header, profile, habits, fileHash) };
}

async function* readAll(
  records: AsyncIterable<{ readonly line: number; readonly cells: readonly string[] }>,
  header: readonly string[],
  profile: ImportProfile,
  habits: ImportHabits,
  fileHash: string,
): AsyncGenerator<ReadRecord> {
  const positions = new Map(header.map((name, index) => [name, index]));
  const twins = new Map<string, number>();
  for await (const { line, cells } of records) {
    if (cells.length !== header.length) {
      const detail = `${cells.length} cells where the header has ${header.length}`;
      yield { line, outcome: { kind: "fault", detail } };
      continue;
    }
    const cellOf = (column: string): string => cells[positions.get(column) ?? -1] ?? "";
    const outcome = profile.read(cellOf, habits);
    if (outcome.kind !== "line") {
      yield { line, outcome };
      continue;
    }
    const factKey = cellOf("x_FactKey");
    const key =
      factKey !== ""
        ? factKey
        : profile.natural
          ? naturalKey(outcome.identifying, twins)
          : `${fileHash}|${line}`;
    yield { line, outcome: { kind: "line", bill: { ...outcome.line, feed: "import", key, record: cells } } };
  }
}

function choose(header: readonly string[], habits: ImportHabits): ImportProfile {
  const twice = header.find((name, index) => name !== "" && header.indexOf(name) !== index);
  if (twice !== undefined)
    throw new FlowstateError("FS_INPUT_INVALID", `line 1: the column "${twice}" is there twice`);
  const focus = Object.keys(habits.columns).length === 0 ? focusProfile(header) : null;
  if (focus !== null) return focus;
  const resolved = resolveColumns(header, habits.columns);
  if (!resolved.ok) throw new FlowstateError("FS_INPUT_INVALID", resolved.detail);
  return genericProfile(resolved.value.profile, resolved.value.columns);
}

/** Lines that are alike in all that tells lines apart are numbered in the file's order. */
function naturalKey(identifying: readonly string[], twins: Map<string, number>): string {
  const digest = hash("sha256", JSON.stringify(identifying), "base64url").slice(0, 32);
  const before = twins.get(digest) ?? 0;
  twins.set(digest, before + 1);
  return before === 0 ? digest : `${digest}|${before}`;
}
