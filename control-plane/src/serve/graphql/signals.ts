import { FlowstateError } from "@flowstate/shared/errors";
import { dayMs } from "@flowstate/shared/time";
import { actorOf } from "../../access/check.ts";
import { countByAccount, listSignals, type Signal } from "../../signals/queries.ts";
import { resolveSignal } from "../../signals/resolve.ts";
import {
  signalTypeNames,
  signalTypes,
  type SignalCategory,
  type SignalResolution,
  type SignalSeverity,
  type SignalType,
} from "../../signals/types.ts";
import { callerOf, type Builder, type GraphqlContext } from "./builder.ts";
import type { addServiceAccounts } from "./service-accounts.ts";

const view = "AI_GOVERNANCE_VIEW";
const update = "AI_POLICY_ADMIN";
const mostSignals = 1000;

type AccountType = ReturnType<typeof addServiceAccounts>;

/** What somebody should look at, and what was made of it. Returns the types of severity and category. */
export function addSignals(builder: Builder, Account: AccountType) {
  const { Severity, Category, Resolution, Row, Type } = addTypes(builder);

  const Filter = builder.inputType("SignalFilter", {
    description: "what is left out does not narrow; an empty list leaves nothing",
    fields: (t) => ({
      types: t.stringList({ description: "these types alone" }),
      categories: t.field({ type: [Category], description: "these categories alone" }),
      severities: t.field({ type: [Severity], description: "these severities alone" }),
      subject: t.string({ description: "about this person or service account" }),
      openOnly: t.boolean({ description: "those that nobody has resolved" }),
      since: t.field({ type: "DateTime", description: "detected at or after it" }),
    }),
  });

  builder.objectField(Account, "signalsLast30Days", (t) =>
    t.int({
      description: "signals about it in the last 30 days, resolved ones included",
      resolve: async ({ accountId }, _, context) => (await accountCounts(context)).get(accountId) ?? 0,
    }),
  );

  builder.queryFields((t) => ({
    behaviouralSignals: t.field({
      type: [Row],
      description: "signals, the newest first",
      authScopes: { permission: view },
      args: {
        filter: t.arg({ type: Filter, description: "which ones" }),
        limit: t.arg.int({ defaultValue: 100, description: `how many, from 1 to ${mostSignals}` }),
      },
      resolve: (_, { filter, limit }, context) => {
        const most = limit ?? 100;
        if (most < 1 || most > mostSignals)
          throw new FlowstateError("FS_INPUT_INVALID", `limit: expected 1 to ${mostSignals}`);
        return listSignals(context.store.reader, callerOf(context, view).orgId, filter ?? {}, most);
      },
    }),
    behaviouralSignalTypes: t.field({
      type: [Type],
      description: "every type of signal that there is",
      authScopes: { permission: view },
      resolve: () => [...signalTypeNames],
    }),
  }));

  builder.mutationFields((t) => ({
    resolveSignal: t.field({
      type: Row,
      description: "settles a signal; a later verdict takes the place of an earlier one",
      authScopes: { permission: update },
      args: {
        id: t.arg.id({ required: true, description: "the signal" }),
        resolution: t.arg({ type: Resolution, required: true, description: "the verdict" }),
        note: t.arg.string({ description: "why" }),
      },
      resolve: (_, { id, resolution, note }, context) => {
        const caller = callerOf(context, update);
        const verdict = { signalId: id, resolution, note: note ?? null, now: context.clock.now() };
        return context.store.transact((db) =>
          resolveSignal(db, { orgId: caller.orgId, actor: actorOf(caller), ...verdict }),
        );
      },
    }),
  }));
  return { Severity, Category };
}

function addTypes(builder: Builder) {
  const Severity = builder.enumType("SignalSeverity", {
    description: "how grave a signal is",
    values: {
      INFO: { description: "for the record" },
      WARN: { description: "somebody should look" },
      BLOCK: { description: "grave enough to stop it by policy; the signal itself stops nothing" },
    } satisfies Record<SignalSeverity, { description: string }>,
  });

  const Category = builder.enumType("SignalCategory", {
    description: "what a signal is about",
    values: {
      CONTENT_SAFETY: { description: "what prompts hold" },
      BRAND_USAGE: { description: "how AI is used" },
      BUDGET: { description: "what it costs" },
      OPERATIONAL: { description: "whether everything works as it should" },
    } satisfies Record<SignalCategory, { description: string }>,
  });

  const Resolution = builder.enumType("SignalResolution", {
    description: "what somebody made of a signal",
    values: {
      ACKNOWLEDGED: { description: "it was seen and needs nothing more" },
      FALSE_POSITIVE: { description: "it is wrong; the same stays silent for 30 days" },
      ESCALATED: { description: "somebody else takes it on" },
    } satisfies Record<SignalResolution, { description: string }>,
  });

  const Row = builder.objectRef<Signal>("BehaviouralSignal").implement({
    description: "something that somebody should look at",
    fields: (t) => ({
      id: t.exposeID("signal_id", { description: "identifier" }),
      type: t.exposeString("type", { description: "what kind of thing happened" }),
      category: t.expose("category", { type: Category, description: "what it is about" }),
      severity: t.expose("severity", { type: Severity, description: "how grave it is" }),
      subject: t.exposeString("subject", { nullable: true, description: "the person or service account" }),
      serviceAccountId: t.exposeID("service_account_id", {
        nullable: true,
        description: "the service account, where it is one",
      }),
      sessionId: t.exposeID("session_id", { nullable: true, description: "the session, where it is one" }),
      service: t.exposeString("service", { nullable: true, description: "the service of the catalogue" }),
      detail: t.exposeString("detail", { description: "JSON: the rule, and the figures it was drawn from" }),
      happenedAt: t.expose("happened_at", { type: "DateTime", description: "when it happened or began" }),
      detectedAt: t.expose("detected_at", { type: "DateTime", description: "when it was first detected" }),
      updatedAt: t.expose("updated_at", {
        type: "DateTime",
        description: "when it was last seen to have grown",
      }),
      resolution: t.expose("resolution", {
        type: Resolution,
        nullable: true,
        description: "what somebody made of it; null while it is open",
      }),
      resolvedAt: t.expose("resolved_at", {
        type: "DateTime",
        nullable: true,
        description: "when that was",
      }),
      resolvedBy: t.exposeString("resolved_by", { nullable: true, description: "who that was" }),
      note: t.exposeString("note", { nullable: true, description: "why, in that person's words" }),
    }),
  });

  const Type = builder.objectRef<SignalType>("BehaviouralSignalType").implement({
    description: "a type of signal",
    fields: (t) => ({
      type: t.string({ description: "its name", resolve: (type) => type }),
      category: t.field({
        type: Category,
        description: "what it is about",
        resolve: (type) => signalTypes[type].category,
      }),
      meaning: t.string({ description: "what it says", resolve: (type) => signalTypes[type].meaning }),
    }),
  });
  return { Severity, Category, Resolution, Row, Type };
}

const counts = new WeakMap<GraphqlContext, Promise<ReadonlyMap<string, number>>>();

/** One count for all accounts of an answer. Whoever may read the account may know it. */
async function accountCounts(context: GraphqlContext): Promise<ReadonlyMap<string, number>> {
  if (context.principal === null) return new Map();
  const since = context.clock.now() - 30 * dayMs;
  const counted = counts.get(context) ?? countByAccount(context.store.reader, context.principal.orgId, since);
  counts.set(context, counted);
  return counted;
}
