import { actorOf } from "../../access/check.ts";
import { closePeriod, reopenPeriod, verifySnapshot } from "../../ledger/close.ts";
import type { Entry } from "../../ledger/entries.ts";
import { sidesOf } from "../../ledger/export-journal.ts";
import { listJournals, type Journal } from "../../ledger/journals.ts";
import { listPeriods, type AccountingPeriod } from "../../ledger/period.ts";
import { callerOf, type Builder, type GraphqlContext } from "./builder.ts";

const view = "AI_INSIGHTS_VIEW";
const update = "AI_RECONCILIATION_UPDATE";
const mostJournals = 1000;

/** Months of the books, and what was posted in them. */
export function addLedger(builder: Builder): void {
  const PeriodType = builder.objectRef<AccountingPeriod>("AccountingPeriod").implement({
    description: "a month of the books that was closed at least once",
    fields: (t) => ({
      period: t.field({ type: "Period", description: "the month", resolve: ({ period }) => period }),
      closed: t.boolean({
        description: "nobody changes its rows until it is reopened",
        resolve: ({ state }) => state === "closed",
      }),
      closings: t.exposeInt("closings", { description: "how often it was closed" }),
      changedAt: t.field({
        type: "DateTime",
        description: "when it was last closed or reopened",
        resolve: ({ changedAt }) => changedAt,
      }),
      changedBy: t.exposeString("changedBy", { description: "by whom" }),
      reason: t.exposeString("reason", { nullable: true, description: "why it was reopened" }),
      snapshotHash: t.exposeString("snapshotHash", {
        description: "SHA-256 of the frozen rows and figures; the audit log holds it too",
      }),
      snapshotHolds: t.boolean({
        description: "whether the stored snapshot still has that hash",
        resolve: async ({ period }, _, context) =>
          (await verifySnapshot(context.store.reader, callerOf(context, view).orgId, period)) === true,
      }),
    }),
  });
  const EntryType = builder.objectRef<Entry>("LedgerEntry").implement({
    description: "one side of a journal; the entries of a journal sum to zero",
    fields: (t) => ({
      account: t.exposeString("account", { description: "such as Expenses:AI:Anthropic-Api" }),
      subject: t.exposeString("subject", { nullable: true, description: "whose spend; null where unknown" }),
      project: t.exposeString("project", { nullable: true, description: "for which project" }),
      team: t.exposeString("team", { nullable: true, description: "of which team" }),
      costCentre: t.exposeString("costCentre", { nullable: true, description: "on which cost centre" }),
      debitUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "null on the credit side",
        resolve: (entry) => sidesOf(entry)[0],
      }),
      creditUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "null on the debit side",
        resolve: (entry) => sidesOf(entry)[1],
      }),
    }),
  });
  const JournalType = builder.objectRef<Journal>("LedgerJournal").implement({
    description: "one balanced posting; journals are never changed",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ journalId }) => journalId }),
      period: t.field({
        type: "Period",
        description: "the month it counts in",
        resolve: ({ period }) => period,
      }),
      postedAt: t.field({ type: "DateTime", description: "when", resolve: ({ postedAt }) => postedAt }),
      kind: t.exposeString("kind", {
        description: "confirmation, write_off, deferral, reversal or adjustment",
      }),
      rowId: t.id({ description: "the billing row", resolve: ({ rowId }) => rowId }),
      actor: t.exposeString("actor", { description: "who decided" }),
      entries: t.field({ type: [EntryType], description: "its entries", resolve: ({ entries }) => entries }),
    }),
  });

  builder.queryFields((t) => ({
    accountingPeriods: t.field({
      type: [PeriodType],
      description: "months that were closed, the newest first",
      authScopes: { permission: view },
      resolve: (_, __, context) => listPeriods(context.store.reader, callerOf(context, view).orgId),
    }),
    ledgerJournals: t.field({
      type: [JournalType],
      description: "what was posted in a month, in order; the export has all of it",
      authScopes: { permission: view },
      args: {
        period: t.arg({ type: "Period", required: true, description: "the month" }),
        limit: t.arg.int({ defaultValue: 200, description: `at most so many, up to ${mostJournals}` }),
      },
      resolve: (_, { period, limit }, context) =>
        listJournals(context.store.reader, callerOf(context, view).orgId, {
          period,
          after: { at: 0, id: "" },
          limit: Math.max(0, Math.min(limit ?? 200, mostJournals)),
        }),
    }),
  }));

  const changeOf = (context: GraphqlContext) => {
    const caller = callerOf(context, update);
    return { orgId: caller.orgId, actor: actorOf(caller), now: context.clock.now() };
  };
  builder.mutationFields((t) => ({
    closePeriod: t.boolean({
      description: "freezes a month that is over and whose rows are all decided",
      authScopes: { permission: update },
      args: { period: t.arg({ type: "Period", required: true, description: "the month" }) },
      resolve: async (_, { period }, context) => {
        await context.store.transact((db) => closePeriod(db, { ...changeOf(context), period }));
        return true;
      },
    }),
    reopenPeriod: t.boolean({
      description: "lets people decide about a closed month's rows again; the snapshot stays",
      authScopes: { permission: update },
      args: {
        period: t.arg({ type: "Period", required: true, description: "the month" }),
        reason: t.arg.string({ required: true, description: "why" }),
      },
      resolve: async (_, { period, reason }, context) => {
        await context.store.transact((db) => reopenPeriod(db, { ...changeOf(context), period, reason }));
        return true;
      },
    }),
  }));
}
