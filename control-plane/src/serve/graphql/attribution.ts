import type { NanoUsd } from "@flowstate/shared/money";
import {
  attribute,
  dimensions,
  type Attribution,
  type AttributionRow,
  type CostMode,
  type Dimension,
  type Drill,
} from "../../insights/attribution/attribute.ts";
import { loadAttributionFacts } from "../../insights/attribution/load.ts";
import { listSessions } from "../../insights/attribution/sessions.ts";
import { readWindow } from "../../usage-queries/window.ts";
import { callerOf, type Builder } from "./builder.ts";
import type { addReconciliation } from "./reconciliation.ts";

const view = "AI_INSIGHTS_VIEW";
const mostRows = 10_000;
const mostSessions = 1000;

interface Shown extends Attribution {
  readonly limit: number;
}

type SessionType = ReturnType<typeof addReconciliation>;

/** Who and what causes the spend, from the organisation down to a session. */
export function addAttribution(builder: Builder, Session: SessionType): void {
  const described: Readonly<Record<Dimension, string>> = {
    COST_CENTRE: "the project's own, else that of the team or the nearest above it",
    TEAM: "by allocation, else the primary team",
    PROJECT: "as calls name it, else by allocation",
    PERSON: "e-mail",
    SERVICE: "the provider that answered",
    MODEL: "as the provider calls it; bills go to models by list price",
  };
  const By = builder.enumType("AttributionDimension", {
    description: "what spend is attributed to",
    values: Object.fromEntries(
      dimensions.map((dimension) => [dimension, { description: described[dimension] }]),
    ) as Record<Dimension, { description: string }>,
  });
  const Mode = builder.enumType("CostMode", {
    description: "which cost rows are ordered by",
    values: {
      INCREMENTAL: { description: "what is paid by the call" },
      MARKET: { description: "the list price of every call, those of flat plans included" },
    } satisfies Record<CostMode, { description: string }>,
  });
  const Row = addRow(builder);

  const Answer = builder.objectRef<Shown>("AiAttribution").implement({
    description: "spend of some days, attributed",
    fields: (t) => ({
      rows: t.field({
        type: [Row],
        description: "the dearest first",
        resolve: ({ rows, limit }) => rows.slice(0, limit),
      }),
      truncated: t.boolean({
        description: "whether there are more rows than were asked for; the total has them all",
        resolve: ({ rows, limit }) => rows.length > limit,
      }),
      total: t.field({ type: Row, description: "all rows together", resolve: ({ total }) => total }),
      headcount: t.exposeInt("headcount", { description: "active people of the directory" }),
      peopleSeen: t.int({ description: "those of them whose calls were seen", resolve: ({ seen }) => seen }),
      telemetryCoverage: t.float({
        nullable: true,
        description: "people seen by headcount, 0 to 1; null without a headcount",
        resolve: ({ seen, headcount }) => (headcount === 0 ? null : seen / headcount),
      }),
      unresolvedPeople: t.int({
        description: "people whose calls were seen and whom the directory does not know",
        resolve: ({ unresolved }) => unresolved,
      }),
    }),
  });

  builder.queryFields((t) => {
    const days = {
      startDate: t.arg({
        type: "Date",
        description: "first UTC day; three months before the last where left out",
      }),
      endDate: t.arg({ type: "Date", description: "last UTC day, itself included; today where left out" }),
    };
    const drill = {
      costCentre: t.arg.string({ description: "of this cost centre alone" }),
      team: t.arg.id({ description: "of this team alone; teams below it stand for themselves" }),
      project: t.arg.id({ description: "of this project alone" }),
      person: t.arg.string({ description: "of this person alone" }),
      service: t.arg.string({ description: "of this provider alone" }),
      model: t.arg.string({ description: "of this model alone" }),
    };
    return {
      aiAttribution: t.field({
        type: Answer,
        description:
          "spend, tokens and sessions by one dimension, of what belongs to all that is named; `unassigned` names what belongs to none",
        authScopes: { permission: view },
        args: {
          by: t.arg({ type: By, required: true, description: "what to attribute to" }),
          ...days,
          costMode: t.arg({ type: Mode, defaultValue: "INCREMENTAL", description: "which cost comes first" }),
          ...drill,
          limit: t.arg.int({ defaultValue: 200, description: `at most so many rows, up to ${mostRows}` }),
        },
        resolve: async (_, { by, startDate, endDate, costMode, limit, ...named }, context) => {
          const { orgId } = callerOf(context, view);
          const window = readWindow({ startDate, endDate }, context.clock.now());
          const facts = await loadAttributionFacts(context.store.reader, orgId, window);
          const answer = attribute(facts, by, drillOf(named), costMode ?? "INCREMENTAL");
          return { ...answer, limit: bounded(limit ?? 200, mostRows) };
        },
      }),
      aiAttributedSessions: t.field({
        type: [Session],
        description:
          "sessions that began in these days and belong to all that is named, the newest first; each belongs where most of the person's time goes",
        authScopes: { permission: view },
        args: {
          ...days,
          ...drill,
          limit: t.arg.int({ defaultValue: 50, description: `at most so many, up to ${mostSessions}` }),
          offset: t.arg.int({ defaultValue: 0, description: "after so many" }),
        },
        resolve: (_, { startDate, endDate, limit, offset, ...named }, context) => {
          const { orgId } = callerOf(context, view);
          const window = readWindow({ startDate, endDate }, context.clock.now());
          const page = { limit: bounded(limit ?? 50, mostSessions), offset: Math.max(0, offset ?? 0) };
          return listSessions(context.store.reader, orgId, window, drillOf(named), page);
        },
      }),
    };
  });
}

interface Given {
  readonly costCentre?: string | null | undefined;
  readonly team?: string | null | undefined;
  readonly project?: string | null | undefined;
  readonly person?: string | null | undefined;
  readonly service?: string | null | undefined;
  readonly model?: string | null | undefined;
}

function drillOf({ costCentre, team, project, person, service, model }: Given): Drill {
  const named: readonly (readonly [Dimension, string | null | undefined])[] = [
    ["COST_CENTRE", costCentre],
    ["TEAM", team],
    ["PROJECT", project],
    ["PERSON", person],
    ["SERVICE", service],
    ["MODEL", model],
  ];
  return Object.fromEntries(named.filter(([, value]) => value != null));
}

function bounded(given: number, most: number): number {
  return Math.max(0, Math.min(given, most));
}

function addRow(builder: Builder) {
  const usd = (amount: bigint): NanoUsd => amount as NanoUsd;
  return builder.objectRef<AttributionRow>("AttributionRow").implement({
    description:
      "what one of them caused. List price and money stand beside each other and are never added up: a flat plan's calls have a list price, and its fee is what they really cost",
    fields: (t) => ({
      key: t.exposeString("key", {
        description: "identifier, for the way down; `unassigned` for what belongs to none",
      }),
      label: t.exposeString("label", { description: "name" }),
      paidUsd: t.field({
        type: "Usd",
        description: "observed: what is paid by the call, at list price",
        resolve: ({ paid }) => usd(paid),
      }),
      listPriceUsd: t.field({
        type: "Usd",
        description: "observed: the list price of every call, those of flat plans included",
        resolve: ({ listPrice }) => usd(listPrice),
      }),
      billedUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "billed by vendors for usage; null where none of it has a bill",
        resolve: ({ billedUsage, hasBill }) => (hasBill ? usd(billedUsage) : null),
      }),
      billedFlatUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "billed by vendors as flat fees, such as seats; null where none of it has a bill",
        resolve: ({ billedFlat, hasBill }) => (hasBill ? usd(billedFlat) : null),
      }),
      inputTokens: t.expose("inputTokens", {
        type: "BigInt",
        description: "tokens sent, cached ones included",
      }),
      outputTokens: t.expose("outputTokens", { type: "BigInt", description: "tokens answered" }),
      totalTokens: t.field({
        type: "BigInt",
        description: "both",
        resolve: ({ inputTokens, outputTokens }) => inputTokens + outputTokens,
      }),
      calls: t.expose("calls", { type: "BigInt", description: "calls" }),
      uncostedCalls: t.expose("uncostedCalls", {
        type: "BigInt",
        description: "calls without a known price, of which the amounts say nothing",
      }),
      estimatedCalls: t.expose("estimatedCalls", {
        type: "BigInt",
        description: "calls whose tokens are estimated",
      }),
      sessions: t.exposeInt("sessions", {
        description: "sessions begun; one with several models counts for each of them",
      }),
      people: t.exposeInt("people", { description: "people who used AI" }),
    }),
  });
}
