import { FlowstateError } from "@flowstate/shared/errors";
import { actorOf } from "../../access/check.ts";
import { markSessions } from "../../self-service/marks.ts";
import { findProjects } from "../../self-service/projects.ts";
import {
  findOwnSessions,
  listOwnSessions,
  noteSession,
  type OwnSession,
} from "../../self-service/sessions.ts";
import { readOwnUsage, readStanding, type OwnUse, type Standing } from "../../self-service/usage.ts";
import type { Signal } from "../../signals/queries.ts";
import { signalTypes } from "../../signals/types.ts";
import { answerByMarking } from "../../standing/answer.ts";
import { readWindow, type UsageWindow } from "../../usage-queries/window.ts";
import { personOf, type Builder } from "./builder.ts";
import type { DirectoryTypes } from "./directory-types.ts";
import { own } from "./own.ts";
import type { addReconciliation } from "./reconciliation.ts";

const mostSessions = 500;
const mostProjects = 100;

interface OwnUsage {
  readonly window: UsageWindow;
  readonly addresses: readonly string[];
  readonly uses: readonly OwnUse[];
}

type SessionType = ReturnType<typeof addReconciliation>;

/** What one did oneself. Nobody else is asked about here. Returns the type of where one stands. */
export function addMyAiUsage(builder: Builder, Session: SessionType, { Project }: DirectoryTypes) {
  const { Usage, Own, StandingType } = addTypes(builder, Session);

  builder.queryFields((t) => {
    const days = {
      startDate: t.arg({ type: "Date", description: "first day; three months before the last one" }),
      endDate: t.arg({ type: "Date", description: "last day; today" }),
    };
    return {
      myAiUsage: t.field({
        type: Usage,
        description: "what the caller did, and where they stand",
        authScopes: { person: true },
        args: days,
        resolve: async (_, given, context) => {
          const { person, addresses } = await own(context);
          const window = readWindow(given, context.clock.now());
          const uses = await readOwnUsage(context.store.reader, person.orgId, addresses, window);
          return { window, addresses, uses };
        },
      }),
      myAiSessions: t.field({
        type: [Own],
        description: "the caller's sessions that began in these days, the newest first",
        authScopes: { person: true },
        args: {
          ...days,
          limit: t.arg.int({ defaultValue: 50, description: `how many, from 1 to ${mostSessions}` }),
          offset: t.arg.int({ defaultValue: 0, description: "how many are left out before them" }),
          offProject: t.arg.boolean({
            defaultValue: false,
            description: "those alone that belong to no project of the directory",
          }),
        },
        resolve: async (_, { limit, offset, offProject, ...given }, context) => {
          const { person, addresses } = await own(context);
          const page = {
            limit: requireCount(limit ?? 50, mostSessions),
            offset: Math.max(0, offset ?? 0),
            offProject: offProject ?? false,
          };
          const window = readWindow(given, context.clock.now());
          return [...(await listOwnSessions(context.store.reader, person.orgId, addresses, window, page))];
        },
      }),
      myAiProjects: t.field({
        type: [Project],
        description: "projects that sessions can be marked as, by name",
        authScopes: { person: true },
        args: {
          search: t.arg.string({ defaultValue: "", description: "part of the name" }),
          limit: t.arg.int({ defaultValue: 20, description: `how many, from 1 to ${mostProjects}` }),
        },
        resolve: async (_, { search, limit }, context) => {
          const { orgId } = personOf(context);
          const most = requireCount(limit ?? 20, mostProjects);
          return [...(await findProjects(context.store.reader, orgId, search ?? "", most))];
        },
      }),
    };
  });

  builder.mutationFields((t) => ({
    noteMyAiSession: t.field({
      type: Own,
      description: "keeps a note on a session of the caller's own, which nobody else sees",
      authScopes: { person: true },
      args: {
        id: t.arg.id({ required: true, description: "the session" }),
        note: t.arg.string({ description: "null removes it" }),
      },
      resolve: async (_, { id, note }, context) => {
        const { person, addresses } = await own(context);
        const change = { orgId: person.orgId, now: context.clock.now() };
        await context.store.transact((db) => noteSession(db, change, addresses, id, note ?? null));
        const [session] = await findOwnSessions(context.store.reader, person.orgId, addresses, [id]);
        if (session === undefined) throw new FlowstateError("FS_NOT_FOUND", "this session is gone");
        return session;
      },
    }),
    markMyAiSessions: t.field({
      type: [Own],
      description:
        "says for which project sessions of the caller's own were; attribution follows, and nudges about them are answered",
      authScopes: { person: true },
      args: {
        ids: t.arg.idList({ required: true, description: "the sessions, up to 200" }),
        project: t.arg.id({ description: "of `myAiProjects`; null takes a mark back" }),
      },
      resolve: async (_, { ids, project }, context) => {
        const { person, subject, addresses } = await own(context);
        const change = { orgId: person.orgId, actor: actorOf(person), now: context.clock.now() };
        const marking = { ...change, addresses, sessionIds: ids, projectId: project ?? null };
        await context.store.transact((db) =>
          answerByMarking(db, { ...change, person: { subject, addresses } }, () =>
            markSessions(db, context.store.engine, marking),
          ),
        );
        return [...(await findOwnSessions(context.store.reader, person.orgId, addresses, ids))];
      },
    }),
  }));
  return StandingType;
}

function addTypes(builder: Builder, Session: SessionType) {
  const Use = builder.objectRef<OwnUse>("MyAiUse").implement({
    description: "what one did with one tool of one provider, as devices reported it",
    fields: (t) => ({
      system: t.exposeString("system", { description: "provider" }),
      tool: t.exposeString("tool", { description: "what made the calls" }),
      calls: t.expose("calls", { type: "BigInt", description: "calls" }),
      inputTokens: t.expose("inputTokens", {
        type: "BigInt",
        description: "tokens in, cached ones included",
      }),
      outputTokens: t.expose("outputTokens", { type: "BigInt", description: "tokens out" }),
      listPriceUsd: t.field({
        type: "Usd",
        nullable: true,
        description:
          "at list price, whatever the plan; calls without a known price are not in it; null where none has one",
        resolve: ({ listPrice, calls, uncostedCalls }) => (calls === uncostedCalls ? null : listPrice),
      }),
      uncostedCalls: t.expose("uncostedCalls", {
        type: "BigInt",
        description: "calls without a known price",
      }),
    }),
  });
  const AboutMe = builder.objectRef<Signal>("MyAiSignal").implement({
    description: "something about the caller that somebody has been told to look at",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ signal_id }) => signal_id }),
      type: t.exposeString("type", { description: "name of the rule" }),
      meaning: t.string({
        description: "what it says",
        resolve: ({ type }) => signalTypes[type].meaning,
      }),
      severity: t.exposeString("severity", { description: "INFO, WARN or BLOCK" }),
      detectedAt: t.field({
        type: "DateTime",
        description: "when",
        resolve: ({ detected_at }) => detected_at,
      }),
      resolved: t.boolean({
        description: "whether somebody has settled it",
        resolve: ({ resolution }) => resolution !== null,
      }),
    }),
  });
  const StandingType = builder.objectRef<Standing>("MyAiStanding").implement({
    description: "where one stands in the current month",
    fields: (t) => ({
      period: t.expose("period", { type: "Period", description: "the month" }),
      requests: t.expose("requests", { type: "BigInt", description: "requests that proxies have counted" }),
      quota: t.expose("quota", {
        type: "BigInt",
        nullable: true,
        description: "of the month; null for none",
      }),
      overageUnits: t.expose("overageUnits", { type: "BigInt", description: "requests beyond the quota" }),
      signals: t.field({
        type: [AboutMe],
        description: "about the caller, the newest 50",
        resolve: ({ signals }) => [...signals],
      }),
    }),
  });
  const Usage = builder.objectRef<OwnUsage>("MyAiUsage").implement({
    description: "what the caller did in these days",
    fields: (t) => ({
      startDate: t.field({
        type: "Date",
        description: "first day",
        resolve: ({ window }) => window.startDate,
      }),
      endDate: t.field({ type: "Date", description: "last day", resolve: ({ window }) => window.endDate }),
      addresses: t.stringList({
        description: "under which the caller is known",
        resolve: ({ addresses }) => [...addresses],
      }),
      uses: t.field({
        type: [Use],
        description: "by provider and tool, the dearest first",
        resolve: ({ uses }) => [...uses],
      }),
      standing: t.field({
        type: StandingType,
        description: "in the current month, whatever the days",
        resolve: ({ addresses }, _, context) =>
          readStanding(context.store.reader, personOf(context).orgId, addresses, context.clock.now()),
      }),
    }),
  });
  const Own = builder.objectRef<OwnSession>("MyAiSession").implement({
    description: "a session of the caller's own",
    fields: (t) => ({
      session: t.field({ type: Session, description: "what happened", resolve: ({ session }) => session }),
      note: t.exposeString("note", { nullable: true, description: "the caller's own, seen by nobody else" }),
      isMarked: t.exposeBoolean("isMarked", {
        description: "whether the caller has said which project it was for",
      }),
    }),
  });
  return { Usage, Own, StandingType };
}

function requireCount(given: number, most: number): number {
  if (given >= 1 && given <= most) return given;
  throw new FlowstateError("FS_INPUT_INVALID", `limit: expected 1 to ${most}`);
}
