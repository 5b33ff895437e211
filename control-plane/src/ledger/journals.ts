import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import type { Period } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import type { Entry, JournalKind } from "./entries.ts";

export interface Journal {
  readonly journalId: string;
  readonly period: Period;
  readonly postedAt: number;
  readonly kind: JournalKind;
  readonly rowId: string;
  readonly actor: string;
  readonly entries: readonly Entry[];
}

const pageRows = 500;

/** A month's journals in the order in which they were posted. */
export async function* journalsOf(db: Reader, orgId: OrgId, period: Period): AsyncGenerator<Journal> {
  let after = { at: 0, id: "" };
  for (;;) {
    const page = await listJournals(db, orgId, { period, after, limit: pageRows });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageRows) return;
    after = { at: last.postedAt, id: last.journalId };
  }
}

export interface JournalPage {
  readonly period: Period;
  readonly after: { readonly at: number; readonly id: string };
  readonly limit: number;
}

export async function listJournals(
  db: Reader,
  orgId: OrgId,
  { period, after, limit }: JournalPage,
): Promise<readonly Journal[]> {
  const journals = await db
    .selectFrom("ledger_journals")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .where((where) =>
      where.or([
        where("posted_at", ">", after.at),
        where.and([where("posted_at", "=", after.at), where("journal_id", ">", after.id)]),
      ]),
    )
    .orderBy("posted_at")
    .orderBy("journal_id")
    .limit(limit)
    .execute();
  if (journals.length === 0) return [];
  const entries = await db
    .selectFrom("ledger_entries")
    .selectAll()
    .where("org_id", "=", orgId)
    .where(
      "journal_id",
      "in",
      journals.map(({ journal_id }) => journal_id),
    )
    .orderBy("line")
    .execute();
  const entriesOf = Map.groupBy(entries, ({ journal_id }) => journal_id);
  return journals.map((journal) => ({
    journalId: journal.journal_id,
    period: journal.period as Period,
    postedAt: journal.posted_at,
    kind: journal.kind,
    rowId: journal.row_id,
    actor: journal.actor,
    entries: (entriesOf.get(journal.journal_id) ?? []).map((entry) => ({
      account: entry.account,
      subject: entry.subject,
      project: entry.project,
      team: entry.team,
      costCentre: entry.cost_centre,
      amount: entry.amount_nano_usd as NanoUsd,
    })),
  }));
}
