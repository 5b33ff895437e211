import { causeHints, type CausePart } from "../../reconcile/causes.ts";
import type { NanoUsd } from "@flowstate/shared/money";
import type { Evidence } from "../../reconcile/facts.ts";
import { sessionsOf, type QueueRow, type RowMatch, type SessionRow } from "../../reconcile/queue.ts";
import type { RunReport } from "../../reconcile/run.ts";
import { actionsOf, statuses, type Status } from "../../reconcile/status.ts";
import type { PeriodSummary, StatusCount } from "../../reconcile/summary.ts";
import type { Builder } from "./builder.ts";
import type { addUsageProviders } from "./usage-providers.ts";

type KindType = ReturnType<typeof addUsageProviders>;

/** What became of one row of a bulk action. */
export interface BulkResult {
  readonly id: string;
  readonly row: QueueRow | null;
  readonly error: string | null;
}

const mostSessions = 500;

/** What the reconciliation queue is made of. */
export function addReconciliationTypes(builder: Builder, Kind: KindType) {
  const StatusType = addStatus(builder);
  const ActionType = builder.enumType("ReconciliationAction", {
    description: "what a person may do with a row",
    values: {
      CONFIRM: { value: "CONFIRM", description: "accept the match; the row counts as spend" },
      WRITE_OFF: { value: "WRITE_OFF", description: "it will not be matched; a note says why" },
      DEFER: { value: "DEFER", description: "it returns by itself next month" },
    } as const,
  });

  const EvidenceType = builder.objectRef<Evidence>("MatchEvidence").implement({
    description: "one comparison's say in a match",
    fields: (t) => ({
      comparison: t.exposeString("comparison", { description: "what was compared" }),
      outcome: t.exposeString("outcome", { description: "how it turned out" }),
      bits: t.float({
        description: "log2 of how much likelier that makes the match; the weights add up to its score",
        resolve: ({ milliBits }) => milliBits / 1000,
      }),
    }),
  });
  const Share = builder.objectRef<RowMatch["shares"][number]>("MatchShare").implement({
    description: "a person's part of a row that names nobody; the parts sum to the row",
    fields: (t) => ({
      subject: t.exposeString("subject", { description: "the person's e-mail" }),
      amountUsd: t.field({ type: "Usd", description: "their part", resolve: ({ amount }) => amount }),
    }),
  });
  const Match = builder.objectRef<RowMatch>("MatchExplanation").implement({
    description: "why a row and observed usage are held to be the same spend",
    fields: (t) => ({
      rule: t.exposeString("rule", { description: "how they were brought together" }),
      confidence: t.float({
        description: "probability from the evidence, 0 to 1",
        resolve: ({ confidencePpm }) => confidencePpm / 1e6,
      }),
      observedUsd: t.field({
        type: "Usd",
        description: "observed, of the whole match",
        resolve: ({ observed }) => observed,
      }),
      billedUsd: t.field({
        type: "Usd",
        description: "billed, of the whole match",
        resolve: ({ billed }) => billed,
      }),
      deltaUsd: t.field({
        type: "Usd",
        description: "billed minus observed",
        resolve: ({ billed, observed }) => (billed - observed) as typeof billed,
      }),
      ambiguous: t.exposeBoolean("ambiguous", { description: "another explanation is nearly as good" }),
      reasons: t.stringList({
        description: "the evidence in words",
        resolve: ({ evidence }) => evidence.map(({ comparison, outcome }) => `${comparison}: ${outcome}`),
      }),
      evidence: t.field({
        type: [EvidenceType],
        description: "the evidence with its weights",
        resolve: ({ evidence }) => evidence,
      }),
      shares: t.field({
        type: [Share],
        description: "people's parts of a row that names nobody",
        resolve: ({ shares }) => shares,
      }),
    }),
  });

  const Session = addSession(builder);
  const Row = builder.objectRef<QueueRow>("ReconciliationRow").implement({
    description: "a line of a provider's bill in the queue",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ rowId }) => rowId }),
      provider: t.field({
        type: Kind,
        description: "where the line comes from",
        resolve: ({ kind }) => kind,
      }),
      service: t.exposeString("service", { description: "catalogue id of the service" }),
      subject: t.exposeString("subject", {
        nullable: true,
        description: "the person's e-mail; null where the bill names nobody",
      }),
      usageDate: t.field({
        type: "Date",
        description: "the provider's UTC day",
        resolve: ({ usageDate }) => usageDate,
      }),
      period: t.field({
        type: "Period",
        description: "the month in whose queue it stands",
        resolve: ({ period }) => period,
      }),
      description: t.exposeString("description", { description: "the provider's words" }),
      totalCostUsd: t.field({ type: "Usd", description: "billed", resolve: ({ amount }) => amount }),
      originalAmount: t.exposeString("originalAmount", {
        nullable: true,
        description: "as the provider stated it",
      }),
      originalCurrency: t.exposeString("originalCurrency", { nullable: true, description: "its currency" }),
      status: t.field({ type: StatusType, description: "where it stands", resolve: ({ status }) => status }),
      match: t.field({
        type: Match,
        nullable: true,
        description: "what it was matched with",
        resolve: ({ match }) => match,
      }),
      sessions: t.field({
        type: [Session],
        description: "observed sessions behind the match",
        args: { limit: t.arg.int({ defaultValue: 50, description: "at most so many" }) },
        resolve: (row, { limit }, { store }) =>
          sessionsOf(store.reader, row, Math.max(0, Math.min(limit ?? 50, mostSessions))),
      }),
      note: t.exposeString("note", { nullable: true, description: "what the person wrote" }),
      deferredTo: t.field({
        type: "Period",
        nullable: true,
        description: "the month in which it returns",
        resolve: ({ deferredTo }) => deferredTo,
      }),
      restatedFromUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "what was confirmed, where the provider has restated the line since",
        resolve: ({ restatedFrom }) => restatedFrom,
      }),
      actions: t.field({
        type: [ActionType],
        description: "what may be done with it now",
        resolve: ({ status }) => [...actionsOf(status)],
      }),
      updatedAt: t.field({
        type: "DateTime",
        description: "when it last changed",
        resolve: ({ updatedAt }) => updatedAt,
      }),
    }),
  });

  const Summary = addSummary(builder, StatusType);
  const Run = builder.objectRef<RunReport>("ReconciliationRun").implement({
    description: "what a run of the matcher did",
    fields: (t) => ({
      period: t.field({ type: "Period", description: "the month", resolve: ({ period }) => period }),
      rows: t.exposeInt("rows", { description: "lines in its queue" }),
      matches: t.exposeInt("matches", { description: "matches found" }),
      changed: t.exposeInt("changed", { description: "rows that stand elsewhere than before" }),
    }),
  });
  const Bulk = builder.objectRef<BulkResult>("ReconciliationResult").implement({
    description: "what became of one row of a bulk action",
    fields: (t) => ({
      id: t.id({ description: "the row's identifier", resolve: ({ id }) => id }),
      row: t.field({
        type: Row,
        nullable: true,
        description: "as it stands now; null where it was not found",
        resolve: ({ row }) => row,
      }),
      error: t.exposeString("error", {
        nullable: true,
        description: "why nothing was done; null where it was",
      }),
    }),
  });

  return { StatusType, ActionType, Row, Session, Summary, Run, Bulk };
}

function addStatus(builder: Builder) {
  return builder.enumType("ReconciliationStatus", {
    description: "where a billing row stands; it is in exactly one",
    values: Object.fromEntries(
      statuses.map((value) => [value.toUpperCase(), { value, description: statusTexts[value] }]),
    ) as Record<string, { value: Status; description: string }>,
  });
}

function addSummary(builder: Builder, StatusType: ReturnType<typeof addStatus>) {
  const Count = builder.objectRef<StatusCount>("StatusCount").implement({
    description: "rows of one status",
    fields: (t) => ({
      status: t.field({ type: StatusType, description: "the status", resolve: ({ status }) => status }),
      rows: t.exposeInt("rows", { description: "how many" }),
      totalUsd: t.field({ type: "Usd", description: "their sum", resolve: ({ total }) => total }),
    }),
  });
  const Cause = builder.objectRef<CausePart>("ResidualCause").implement({
    description: "a part of the residual; the parts sum to it exactly",
    fields: (t) => ({
      cause: t.exposeString("cause", { description: "why the two sides differ" }),
      amountUsd: t.field({ type: "Usd", description: "by how much", resolve: ({ amount }) => amount }),
      rows: t.exposeInt("rows", { description: "bill lines in it" }),
      hint: t.string({ description: "what it means", resolve: ({ cause }) => causeHints[cause] }),
    }),
  });
  return builder.objectRef<PeriodSummary>("ReconciliationSummary").implement({
    description: "a month in figures",
    fields: (t) => ({
      period: t.field({ type: "Period", description: "the month", resolve: ({ period }) => period }),
      billedUsd: t.field({
        type: "Usd",
        description: "billed by providers",
        resolve: ({ billed }) => billed,
      }),
      observedUsd: t.field({
        type: "Usd",
        description: "observed on devices, at list prices",
        resolve: ({ observed }) => observed,
      }),
      adjustmentsUsd: t.field({
        type: "Usd",
        description: "corrections of closed months that were posted in this one; no part of billed",
        resolve: ({ adjustments }) => adjustments,
      }),
      writtenOffUsd: t.field({
        type: "Usd",
        description: "written off by people",
        resolve: ({ writtenOff }) => writtenOff,
      }),
      residualUsd: t.field({
        type: "Usd",
        description: "billed − observed − written off",
        resolve: ({ residual }) => residual,
      }),
      residualShare: t.float({
        description: "residual as a share of billed; 0 where nothing was billed",
        resolve: ({ residual, billed }) => share(residual, billed),
      }),
      deferredUsd: t.field({
        type: "Usd",
        description: "deferred, as a part of billed",
        resolve: ({ deferred }) => deferred,
      }),
      matchCoverage: t.float({
        description: "matched amount as a share of billed",
        resolve: ({ matched, billed }) => share(matched, billed),
      }),
      grossVarianceUsd: t.field({
        type: "Usd",
        description: "what every match and every lone line is apart, regardless of direction",
        resolve: ({ grossVariance }) => grossVariance,
      }),
      counts: t.field({ type: [Count], description: "rows per status", resolve: ({ counts }) => counts }),
      causes: t.field({
        type: [Cause],
        description: "the residual by cause",
        resolve: ({ causes }) => causes,
      }),
    }),
  });
}

function addSession(builder: Builder) {
  return builder.objectRef<SessionRow>("AiSession").implement({
    description: "calls of one person that a tool counts as one conversation",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ session_id }) => session_id }),
      subject: t.exposeString("subject", { description: "the person's e-mail" }),
      service: t.string({ description: "provider that answered", resolve: ({ provider }) => provider }),
      tool: t.exposeString("tool", { description: "the tool" }),
      models: t.stringList({
        description: "models that were used",
        resolve: ({ models }) => JSON.parse(models) as string[],
      }),
      project: t.exposeString("project", { nullable: true, description: "where the work was done" }),
      startedAt: t.field({ type: "DateTime", description: "first call", resolve: (row) => row.started_at }),
      endedAt: t.field({
        type: "DateTime",
        description: "end of the last call",
        resolve: (row) => row.ended_at,
      }),
      calls: t.int({ description: "how many", resolve: ({ calls }) => Number(calls) }),
      inputTokens: t.field({
        type: "BigInt",
        description: "uncached prompt tokens",
        resolve: (row) => row.input_tokens,
      }),
      outputTokens: t.field({
        type: "BigInt",
        description: "answer tokens, reasoning included",
        resolve: (row) => row.output_tokens,
      }),
      cacheReadTokens: t.field({
        type: "BigInt",
        description: "prompt tokens read from cache",
        resolve: (row) => row.cache_read_tokens,
      }),
      cacheWriteTokens: t.field({
        type: "BigInt",
        description: "prompt tokens written to cache",
        resolve: (row) => row.cache_write_5m_tokens + row.cache_write_1h_tokens,
      }),
      costUsd: t.field({
        type: "Usd",
        description: "at list prices; calls without a known price add nothing",
        resolve: (row) => row.cost_nano_usd as NanoUsd,
      }),
      estimated: t.boolean({
        description: "some of its counts are estimates",
        resolve: (row) => row.estimated_calls > 0n,
      }),
    }),
  });
}

/** A ratio for show, from exact amounts. */
function share(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 1_000_000n) / whole) / 1e6;
}

const statusTexts: Readonly<Record<Status, string>> = {
  unreconciled: "billed, and no matching usage found yet",
  suggested: "matched, for a person to confirm",
  auto_matched: "matched with high confidence; confirm to finalise",
  confirmed: "accepted; counts as spend, and stays unless it is reopened",
  written_off: "will not be matched; a note says why",
  deferred: "returns by itself next month",
};
