import { enterAgentCost, listAgentCosts, type AiAgentEntry } from "../../catalogue/agents.ts";
import { listServices, type AiService } from "../../catalogue/catalogue.ts";
import type { Coverage, ServiceFlag, ServiceState } from "../../catalogue/state.ts";
import { callerOf, changeBy, type Builder } from "./builder.ts";
import type { DirectoryTypes } from "./directory-types.ts";
import type { addUsageProviders } from "./usage-providers.ts";

type KindType = ReturnType<typeof addUsageProviders>;

/** The catalogue of AI services with where each stands, and costs that are entered by hand. */
export function addCatalogue(builder: Builder, Kind: KindType, directory: DirectoryTypes): void {
  const Service = addService(builder, Kind);
  const Entry = addEntry(builder, directory);

  builder.queryFields((t) => ({
    orgAiServices: t.field({
      type: [Service],
      description: "every AI service that is listed, and every other that the organisation talks to",
      authScopes: { permission: "AI_INSIGHTS_VIEW" },
      resolve: (_, __, context) =>
        listServices(context.store.reader, callerOf(context, "AI_INSIGHTS_VIEW").orgId, context.clock.now()),
    }),
    aiAgents: t.field({
      type: [Entry],
      description: "AI costs that were entered by hand, the newest month first",
      authScopes: { permission: "AI_INSIGHTS_VIEW" },
      args: { period: t.arg({ type: "Period", description: "one month; every one where it is left out" }) },
      resolve: (_, { period }, context) =>
        listAgentCosts(context.store.reader, callerOf(context, "AI_INSIGHTS_VIEW").orgId, period ?? null),
    }),
  }));

  builder.mutationFields((t) => ({
    enterAiAgentCost: t.field({
      type: Entry,
      description:
        "records what an AI tool cost in a month; the same name, project and month again replaces it",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: {
        project: t.arg.id({ description: "the project it is for" }),
        name: t.arg.string({ required: true, description: "what it is called" }),
        service: t.arg.id({ description: "the service of the catalogue" }),
        period: t.arg({ type: "Period", required: true, description: "the month" }),
        amountUsd: t.arg({ type: "Usd", description: "the month's invoice; else seats and their price" }),
        seats: t.arg.int({ description: "how many seats" }),
        monthlyPerSeatPrice: t.arg.string({ description: "price of a seat in that currency" }),
        currencyCode: t.arg.string({ defaultValue: "USD", description: "currency of the prices" }),
        teams: t.arg.idList({ description: "the teams that use it" }),
        note: t.arg.string({ description: "where the figure comes from" }),
        inputTokenPricePer1M: t.arg.string({ description: "price of a million input tokens" }),
        outputTokenPricePer1M: t.arg.string({ description: "price of a million output tokens" }),
        monthlyIncludedInputTokens: t.arg({ type: "BigInt", description: "input tokens without charge" }),
        monthlyIncludedOutputTokens: t.arg({ type: "BigInt", description: "output tokens without charge" }),
      },
      resolve: (_, args, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        return context.store.transact((db) =>
          enterAgentCost(db, change, {
            projectId: args.project ?? null,
            name: args.name,
            service: args.service ?? null,
            period: args.period,
            amountUsd: args.amountUsd ?? null,
            seats: args.seats ?? null,
            currencyCode: args.currencyCode ?? "USD",
            monthlyPerSeatPrice: args.monthlyPerSeatPrice ?? null,
            inputTokenPricePer1M: args.inputTokenPricePer1M ?? null,
            outputTokenPricePer1M: args.outputTokenPricePer1M ?? null,
            monthlyIncludedInputTokens: args.monthlyIncludedInputTokens ?? null,
            monthlyIncludedOutputTokens: args.monthlyIncludedOutputTokens ?? null,
            teamIds: args.teams ?? [],
            note: args.note ?? null,
          }),
        );
      },
    }),
  }));
}

function addService(builder: Builder, Kind: KindType) {
  const CoverageType = builder.enumType("Coverage", {
    description: "how well a service is covered",
    values: {
      CATALOG_LISTED: { description: "it is in the catalogue" },
      HOSTNAME_RECOGNISED: { description: "its hosts are known, so that traffic shows it" },
      BILLING_CONNECTABLE: { description: "there is a usage provider for it" },
      INVISIBLE: { description: "none of these" },
    } satisfies Record<Coverage, { description: string }>,
  });
  const State = builder.enumType("ServiceState", {
    description: "whether a service is in use",
    values: {
      CONNECTED: { description: "traffic or live billing in the last 30 days" },
      DISCONNECTED: { description: "it had one of them, and has neither now" },
      CATALOGUED: { description: "known, never seen" },
    } satisfies Record<ServiceState, { description: string }>,
  });
  const Flag = builder.enumType("ServiceFlag", {
    description: "what deserves a look",
    values: {
      MONITORING_GAP: { description: "connected, or billed, and silent for 14 days or more" },
      BILLING_ONLY: { description: "billed, never seen in traffic" },
      UNBILLED: { description: "seen in traffic, never billed" },
      DISCOVERED: { description: "the fleet talks to it, and the catalogue does not list it" },
    } satisfies Record<ServiceFlag, { description: string }>,
  });
  return builder.objectRef<AiService>("AiService").implement({
    description: "an AI service with where it stands",
    fields: (t) => ({
      id: t.exposeID("id", { description: "what bills carry as their service" }),
      name: t.exposeString("name", { description: "as people know it" }),
      vendor: t.exposeString("vendor", { description: "who sells it" }),
      category: t.exposeString("category", { description: "what it is for" }),
      pricingModel: t.exposeString("pricingModel", { description: "how it is charged" }),
      coverage: t.field({
        type: [CoverageType],
        description: "how well it is covered",
        resolve: ({ coverage }) => coverage,
      }),
      state: t.field({ type: State, description: "whether it is in use", resolve: ({ state }) => state }),
      flags: t.field({ type: [Flag], description: "what deserves a look", resolve: ({ flags }) => flags }),
      monitoringGap: t.boolean({
        description: "connected, or billed, and silent for 14 days or more",
        resolve: ({ flags }) => flags.includes("MONITORING_GAP"),
      }),
      unbilled: t.boolean({
        description: "seen in traffic, never billed",
        resolve: ({ flags }) => flags.includes("UNBILLED"),
      }),
      unobserved: t.boolean({
        description: "billed, never seen in traffic",
        resolve: ({ flags }) => flags.includes("BILLING_ONLY"),
      }),
      activeUsers30d: t.exposeInt("activeUsers30d", { description: "people who used it in 30 days" }),
      hosts: t.exposeStringList("hosts", { description: "host patterns by which traffic shows it" }),
      connector: t.field({
        type: Kind,
        nullable: true,
        description: "the usage provider for its bill",
        resolve: ({ connector }) => connector,
      }),
      lastSeenAt: t.expose("lastSeenAt", {
        type: "DateTime",
        nullable: true,
        description: "last sign of traffic",
      }),
      lastBilledAt: t.expose("lastBilledAt", {
        type: "DateTime",
        nullable: true,
        description: "last day on a bill",
      }),
      notes: t.exposeString("notes", { nullable: true, description: "what to know about its bill" }),
    }),
  });
}

function addEntry(builder: Builder, { Team, Project }: DirectoryTypes) {
  return builder.objectRef<AiAgentEntry>("AiAgentEntry").implement({
    description: "an AI cost of a month that was entered by hand",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ entryId }) => entryId }),
      project: t.field({
        type: Project,
        nullable: true,
        description: "the project it is for",
        resolve: async ({ orgId, projectId }, _, { store }) =>
          projectId === null
            ? null
            : ((await store.reader
                .selectFrom("projects")
                .select(["project_id", "name"])
                .where("org_id", "=", orgId)
                .where("project_id", "=", projectId)
                .executeTakeFirst()) ?? null),
      }),
      name: t.exposeString("name", { description: "what it is called" }),
      service: t.id({
        nullable: true,
        description: "the service of the catalogue",
        resolve: ({ service }) => service,
      }),
      period: t.expose("period", { type: "Period", description: "the month" }),
      amountUsd: t.expose("amountUsd", { type: "Usd", description: "what it cost" }),
      currencyCode: t.exposeString("currencyCode", { description: "currency of the prices" }),
      monthlyPerSeatPrice: t.exposeString("monthlyPerSeatPrice", {
        nullable: true,
        description: "price of a seat",
      }),
      inputTokenPricePer1M: t.exposeString("inputTokenPricePer1M", {
        nullable: true,
        description: "price of a million input tokens",
      }),
      outputTokenPricePer1M: t.exposeString("outputTokenPricePer1M", {
        nullable: true,
        description: "price of a million output tokens",
      }),
      monthlyIncludedInputTokens: t.expose("monthlyIncludedInputTokens", {
        type: "BigInt",
        nullable: true,
        description: "input tokens without charge",
      }),
      monthlyIncludedOutputTokens: t.expose("monthlyIncludedOutputTokens", {
        type: "BigInt",
        nullable: true,
        description: "output tokens without charge",
      }),
      teams: t.field({
        type: [Team],
        description: "the teams that use it",
        resolve: ({ orgId, teamIds }, _, { store }) =>
          teamIds.length === 0
            ? []
            : store.reader
                .selectFrom("teams")
                .select(["team_id", "name", "parent_id", "cost_centre"])
                .where("org_id", "=", orgId)
                .where("team_id", "in", [...teamIds])
                .orderBy("name")
                .execute(),
      }),
      note: t.exposeString("note", { nullable: true, description: "where the figure comes from" }),
    }),
  });
}
