import { createHash } from "node:crypto";
import { isFlowstateError } from "@flowstate/shared/errors";
import type { NanoUsd } from "@flowstate/shared/money";
import { periodOfDate, type Period, type UsageDate } from "@flowstate/shared/time";
import { toUsd, type Rates } from "../billing/exchange.ts";
import { addDecimals } from "../providers/amount.ts";
import type { BillLine } from "../providers/connector.ts";
import type { OpenFile } from "./csv.ts";
import type { ImportHabits } from "./profile.ts";
import { readBill, type ReadRecord } from "./read-bill.ts";

/** A line of the file that is not imported, and why. */
export interface NamedLine {
  readonly line: number;
  readonly detail: string;
}

/** What a month of the file comes to in one currency. */
export interface ImportTotal {
  readonly period: Period;
  readonly currency: string;
  /** Exact decimal text. */
  readonly amount: string;
  readonly amountUsd: NanoUsd;
  readonly lines: number;
}

/** What importing a file would do. */
export interface ImportReport {
  readonly fileHash: string;
  readonly profile: string;
  /** Lines that would be imported. */
  readonly lines: number;
  readonly firstDay: UsageDate | null;
  readonly lastDay: UsageDate | null;
  readonly totals: readonly ImportTotal[];
  /** The first of the lines. */
  readonly sample: readonly BillLine[];
  readonly faultCount: number;
  /** The first of the faults, and of what is left out on purpose. */
  readonly faults: readonly NamedLine[];
  readonly skipped: readonly NamedLine[];
}

const shownLines = 100;
const sampleLines = 20;

/** SHA-256 of a file, hexadecimal. */
export async function hashFile(open: OpenFile): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of open()) digest.update(chunk);
  return digest.digest("hex");
}

/** Reads the whole file and stores nothing. Every fault is counted and the first hundred are named by line. */
export async function reportOn(open: OpenFile, habits: ImportHabits, rates: Rates): Promise<ImportReport> {
  const fileHash = await hashFile(open);
  const { profile, records } = await readBill(open, habits, fileHash);
  const totals = new Map<string, ImportTotal>();
  const sample: BillLine[] = [];
  const faults: NamedLine[] = [];
  const skipped: NamedLine[] = [];
  let [lines, faultCount] = [0, 0];
  let [firstDay, lastDay]: (UsageDate | null)[] = [null, null];
  for await (const record of records) {
    const { line } = record;
    const judged = judge(record, rates);
    if (judged.kind === "skipped") {
      if (skipped.length < shownLines) skipped.push({ line, detail: judged.why });
    } else if (judged.kind === "fault") {
      faultCount += 1;
      if (faults.length < shownLines) faults.push({ line, detail: judged.detail });
    } else {
      const { bill, nanoUsd } = judged;
      lines += 1;
      if (sample.length < sampleLines) sample.push(bill);
      if (firstDay == null || bill.day < firstDay) firstDay = bill.day;
      if (lastDay == null || bill.day > lastDay) lastDay = bill.day;
      add(totals, bill, nanoUsd);
    }
  }
  return {
    fileHash,
    profile,
    lines,
    firstDay: firstDay ?? null,
    lastDay: lastDay ?? null,
    totals: [...totals.values()].sort((a, b) => (a.period < b.period ? -1 : 1)),
    sample,
    faultCount,
    faults,
    skipped,
  };
}

type Judged =
  | Exclude<ReadRecord["outcome"], { readonly kind: "line" }>
  | { readonly kind: "line"; readonly bill: BillLine; readonly nanoUsd: NanoUsd };

/** A line in a currency that nobody can convert is at fault as well. */
function judge({ outcome }: ReadRecord, rates: Rates): Judged {
  if (outcome.kind !== "line") return outcome;
  const { bill } = outcome;
  try {
    if (bill.listAmount !== null) toUsd(bill.listAmount, bill.day, rates);
    return { kind: "line", bill, nanoUsd: toUsd(bill.amount, bill.day, rates).nanoUsd };
  } catch (error) {
    if (isFlowstateError(error)) return { kind: "fault", detail: error.message };
    throw error;
  }
}

function add(totals: Map<string, ImportTotal>, { day, amount }: BillLine, nanoUsd: NanoUsd): void {
  const period = periodOfDate(day);
  const { currency, text } = amount;
  const key = `${period} ${currency}`;
  const before = totals.get(key) ?? { period, currency, amount: "0", amountUsd: 0n as NanoUsd, lines: 0 };
  totals.set(key, {
    ...before,
    amount: addDecimals(before.amount, text),
    amountUsd: (before.amountUsd + nanoUsd) as NanoUsd,
    lines: before.lines + 1,
  });
}
