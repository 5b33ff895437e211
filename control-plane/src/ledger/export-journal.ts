import type { OrgId } from "@flowstate/shared/ids";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { dateOf, dayMs, periodBounds, type Period, type UsageDate } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import { csvLine } from "./csv-line.ts";
import type { Entry } from "./entries.ts";
import { journalsOf, type Journal } from "./journals.ts";

export const journalFormats = ["csv", "hledger", "beancount"] as const;
export type JournalFormat = (typeof journalFormats)[number];

/** The month's journals as text for a spreadsheet or a plain-text ledger. */
export async function* exportJournal(
  db: Reader,
  orgId: OrgId,
  period: Period,
  format: JournalFormat,
): AsyncGenerator<string> {
  if (format === "csv") yield csvLine(header);
  const opened = new Set<string>();
  for await (const journal of journalsOf(db, orgId, period)) {
    switch (format) {
      case "csv":
        yield* csvLines(journal);
        break;
      case "hledger":
        yield hledgerOf(journal);
        break;
      case "beancount":
        yield* openings(journal, period, opened);
        yield beancountOf(journal);
    }
  }
}

const header = [
  "journal",
  "posted_at",
  "period",
  "kind",
  "row",
  "actor",
  "account",
  "person",
  "project",
  "team",
  "cost_centre",
  "debit_usd",
  "credit_usd",
] as const;

function* csvLines(journal: Journal): Generator<string> {
  for (const entry of journal.entries) {
    const [debit, credit] = sidesOf(entry);
    yield csvLine([
      journal.journalId,
      new Date(journal.postedAt).toISOString(),
      journal.period,
      journal.kind,
      journal.rowId,
      { text: journal.actor },
      entry.account,
      { text: entry.subject },
      { text: entry.project },
      { text: entry.team },
      { text: entry.costCentre },
      debit === null ? null : formatUsd(debit),
      credit === null ? null : formatUsd(credit),
    ]);
  }
}

/** An amount stands on one side: debits left, credits right. */
export function sidesOf({ amount }: Entry): readonly [debit: NanoUsd | null, credit: NanoUsd | null] {
  return amount >= 0n ? [amount, null] : [null, -amount as NanoUsd];
}

/** https://hledger.org/hledger.html#transactions; dimensions are tags in the posting's comment. */
function hledgerOf(journal: Journal): string {
  const lines = journal.entries.map((entry) => {
    const tags = dimensionsOf(entry).map(([name, value]) => `${name}:${value.replaceAll(/[,\r\n]/g, " ")}`);
    const comment = tags.length === 0 ? "" : `  ; ${tags.join(", ")}`;
    return `    ${entry.account}  ${formatUsd(entry.amount)} USD${comment}\n`;
  });
  return `${bookedOn(journal)} * (${journal.journalId}) ${journal.kind} ${journal.rowId}\n${lines.join("")}\n`;
}

/** https://beancount.github.io/docs/beancount_language_syntax.html; dimensions are metadata of the posting. */
function beancountOf(journal: Journal): string {
  const lines = journal.entries.map((entry) => {
    const metadata = dimensionsOf(entry).map(([name, value]) => `    ${name}: ${quoted(value)}\n`);
    return `  ${entry.account}  ${formatUsd(entry.amount)} USD\n${metadata.join("")}`;
  });
  return `${bookedOn(journal)} * ${quoted(journal.kind)} ${quoted(journal.rowId)}\n${lines.join("")}\n`;
}

/** A month is usually decided about after it has ended: its journals are of its last day then. */
function bookedOn({ period, postedAt }: Journal): UsageDate {
  const { from, to } = periodBounds(period);
  return dateOf(Math.max(from, Math.min(postedAt, to - dayMs)));
}

/** Beancount knows an account from its opening on. */
function* openings(journal: Journal, period: Period, opened: Set<string>): Generator<string> {
  for (const { account } of journal.entries) {
    if (!opened.has(account)) yield `${period}-01 open ${account} USD\n`;
    opened.add(account);
  }
}

function dimensionsOf({ subject, project, team, costCentre }: Entry): readonly (readonly [string, string])[] {
  return Object.entries({ person: subject, project, team, costcentre: costCentre }).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] as const],
  );
}

function quoted(text: string): string {
  return `"${text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll(/[\r\n]/g, " ")}"`;
}
