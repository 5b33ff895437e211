import { createHash } from "node:crypto";
import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { periodOf } from "@flowstate/shared/time";
import { actorOf } from "../../access/check.ts";
import { actOnRow } from "../../reconcile/act.ts";
import { findRow, listQueue, type QueueRow } from "../../reconcile/queue.ts";
import { reconcilePeriod } from "../../reconcile/run.ts";
import type { Action, Status } from "../../reconcile/status.ts";
import { summarise } from "../../reconcile/summary.ts";
import { callerOf, type Builder, type GraphqlContext } from "./builder.ts";
import { addReconciliationTypes, type BulkResult } from "./reconciliation-types.ts";
import type { addUsageProviders } from "./usage-providers.ts";

const view = "AI_INSIGHTS_VIEW";
const update = "AI_RECONCILIATION_UPDATE";
const mostRows = 10_000;
const mostBulk = 500;

type KindType = ReturnType<typeof addUsageProviders>;

interface Given {
  readonly id: string;
  readonly action: Action;
  readonly note?: string | null | undefined;
  readonly expectedStatus?: Status | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** The reconciliation queue, its summary, and what a person does with a row. Returns the type of a session. */
export function addReconciliation(builder: Builder, Kind: KindType) {
  const { StatusType, ActionType, Row, Session, Summary, Run, Bulk } = addReconciliationTypes(builder, Kind);

  builder.queryFields((t) => ({
    aiSpendReconciliation: t.field({
      type: [Row],
      description: "a month's queue, the largest amounts first",
      authScopes: { permission: view },
      args: {
        period: t.arg({ type: "Period", description: "the current month where it is left out" }),
        status: t.arg({ type: [StatusType], description: "only these; every status where it is left out" }),
        limit: t.arg.int({ defaultValue: 200, description: `at most so many, up to ${mostRows}` }),
      },
      resolve: (_, { period, status, limit }, context) =>
        listQueue(context.store.reader, callerOf(context, view).orgId, {
          period: period ?? periodOf(context.clock.now()),
          statuses: status ?? [],
          limit: bounded(limit ?? 200, mostRows),
        }),
    }),
    aiSpendReconciliationSummary: t.field({
      type: Summary,
      description: "a month in figures",
      authScopes: { permission: view },
      args: { period: t.arg({ type: "Period", description: "the current month where it is left out" }) },
      resolve: (_, { period }, context) => {
        const now = context.clock.now();
        return summarise(context.store.reader, callerOf(context, view).orgId, period ?? periodOf(now), now);
      },
    }),
  }));

  const act = async (context: GraphqlContext, given: Given): Promise<QueueRow> => {
    const caller = callerOf(context, update);
    const { orgId } = caller;
    await context.store.transact((db) =>
      actOnRow(db, {
        orgId,
        actor: actorOf(caller),
        now: context.clock.now(),
        rowId: given.id,
        action: given.action,
        note: given.note ?? null,
        expectedStatus: given.expectedStatus ?? null,
        idempotencyKey: given.idempotencyKey ?? null,
      }),
    );
    const row = await findRow(context.store.reader, orgId, given.id);
    if (row === null) throw new FlowstateError("FS_NOT_FOUND", "the provider has withdrawn this row");
    return row;
  };

  builder.mutationFields((t) => ({
    actOnReconciliationRow: t.field({
      type: Row,
      description: "confirms, writes off (a note is needed) or defers a row, atomically",
      authScopes: { permission: update },
      args: {
        id: t.arg.id({ required: true, description: "the row" }),
        action: t.arg({ type: ActionType, required: true, description: "what to do" }),
        note: t.arg.string({ description: "why; required for a write-off" }),
        expectedStatus: t.arg({
          type: StatusType,
          description: "refused when the row stands elsewhere by now",
        }),
        idempotencyKey: t.arg.string({ description: "the same key again changes nothing" }),
      },
      resolve: (_, args, context) => act(context, args),
    }),
    actOnReconciliationRows: t.field({
      type: [Bulk],
      description: `does the same with up to ${mostBulk} rows, each by itself, and answers for each`,
      authScopes: { permission: update },
      args: {
        ids: t.arg.idList({ required: true, description: "the rows" }),
        action: t.arg({ type: ActionType, required: true, description: "what to do" }),
        note: t.arg.string({ description: "why; required for a write-off" }),
        expectedStatus: t.arg({ type: StatusType, description: "rows that stand elsewhere are left alone" }),
        idempotencyKey: t.arg.string({ description: "the same key again changes none of the rows" }),
      },
      resolve: async (_, { ids, idempotencyKey, ...rest }, context) => {
        if (ids.length > mostBulk)
          throw new FlowstateError("FS_INPUT_INVALID", `ids: at most ${mostBulk} rows at once`);
        const { orgId } = callerOf(context, update);
        const results: BulkResult[] = [];
        for (const id of ids) {
          try {
            const key = idempotencyKey == null ? null : keyOfRow(idempotencyKey, id);
            results.push({ id, row: await act(context, { id, ...rest, idempotencyKey: key }), error: null });
          } catch (error) {
            if (!isFlowstateError(error)) throw error;
            results.push({ id, row: await findRow(context.store.reader, orgId, id), error: error.message });
          }
        }
        return results;
      },
    }),
    reopenReconciliationRow: t.field({
      type: Row,
      description: "makes a confirmed, written-off or deferred row unreconciled again",
      authScopes: { permission: update },
      args: {
        id: t.arg.id({ required: true, description: "the row" }),
        note: t.arg.string({ description: "why" }),
      },
      resolve: (_, { id, note }, context) => act(context, { id, note, action: "REOPEN" }),
    }),
    runReconciliation: t.field({
      type: Run,
      description: "matches a month's rows anew; it also happens by itself after each sync and report",
      authScopes: { permission: update },
      args: { period: t.arg({ type: "Period", description: "the current month where it is left out" }) },
      resolve: (_, { period }, context) => {
        const now = context.clock.now();
        const { orgId } = callerOf(context, update);
        return reconcilePeriod(context.store, { orgId, period: period ?? periodOf(now), now });
      },
    }),
  }));
  return Session;
}

function bounded(given: number, most: number): number {
  return Math.max(0, Math.min(given, most));
}

/** Each row of a bulk action is done once, also where only some were done the first time. */
function keyOfRow(idempotencyKey: string, rowId: string): string {
  return createHash("sha256").update(`${idempotencyKey}\n${rowId}`).digest("hex");
}
