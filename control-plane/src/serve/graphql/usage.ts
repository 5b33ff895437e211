import {
  spendByPerson,
  spendByTeam,
  summariseSystems,
  type PersonSpend,
  type SpendBasis,
  type SystemUsage,
  type TeamSpend,
} from "../../usage-queries/answers.ts";
import { coverageOf, type UsageCoverage } from "../../usage-queries/coverage.ts";
import { loadUsageFacts, type UsageFacts } from "../../usage-queries/facts.ts";
import { readWindow } from "../../usage-queries/window.ts";
import { callerOf, type Builder, type GraphqlContext } from "./builder.ts";

interface GivenWindow {
  readonly startDate?: string | null | undefined;
  readonly endDate?: string | null | undefined;
}

/** What AI costs by system, team and person. */
export function addUsage(builder: Builder): void {
  const System = addSystemUsage(builder);
  const Team = addTeamSpend(builder);
  const Person = addPersonSpend(builder);
  const Coverage = addCoverage(builder);
  const authScopes = { permission: "AI_INSIGHTS_VIEW" } as const;

  builder.queryFields((t) => {
    const days = {
      startDate: t.arg({
        type: "Date",
        description: "first UTC day; three months before the last where left out",
      }),
      endDate: t.arg({ type: "Date", description: "last UTC day, itself included; today where left out" }),
    };
    return {
      aiUsageSummary: t.field({
        type: [System],
        description: "spend, tokens and seats of each system, the dearest first",
        authScopes,
        args: days,
        resolve: async (_, window, context) => summariseSystems(await factsFor(context, window)),
      }),
      aiSpendByTeam: t.field({
        type: [Team],
        description: "spend and adoption of each team, people without a team last",
        authScopes,
        args: days,
        resolve: async (_, window, context) => spendByTeam(await factsFor(context, window)),
      }),
      aiSpendByPerson: t.field({
        type: [Person],
        description: "spend of each person on each system, the dearest first",
        authScopes,
        args: { ...days, system: t.arg.string({ description: "of this system alone" }) },
        resolve: async (_, { system, ...window }, context) => {
          const people = spendByPerson(await factsFor(context, window));
          return system == null ? people : people.filter((person) => person.system === system);
        },
      }),
      aiUsageCoverage: t.field({
        type: Coverage,
        description: "how far the answers about these days can be trusted",
        authScopes,
        args: days,
        resolve: async (_, window, context) => coverageOf(await factsFor(context, window)),
      }),
    };
  });
}

function factsFor(context: GraphqlContext, given: GivenWindow): Promise<UsageFacts> {
  const { orgId } = callerOf(context, "AI_INSIGHTS_VIEW");
  return loadUsageFacts(context.store.reader, orgId, readWindow(given, context.clock.now()));
}

function addSystemUsage(builder: Builder) {
  const values: Record<SpendBasis, { value: SpendBasis; description: string }> = {
    BILLED: { value: "BILLED", description: "the vendor's bills" },
    OBSERVED: {
      value: "OBSERVED",
      description: "the list price of observed calls, because no bill is known",
    },
  };
  const Basis = builder.enumType("SpendBasis", {
    description: "where a spend comes from",
    values,
  });
  return builder.objectRef<SystemUsage>("SystemUsage").implement({
    description: "what a system, that is a provider, cost and did",
    fields: (t) => ({
      system: t.exposeString("system", { description: "the provider's short name" }),
      basis: t.field({
        type: Basis,
        description: "where the spend comes from",
        resolve: ({ basis }) => basis,
      }),
      spendUsd: t.expose("spend", { type: "Usd", description: "what it cost" }),
      inputTokens: t.expose("inputTokens", {
        type: "BigInt",
        description: "tokens sent, cached ones included",
      }),
      outputTokens: t.expose("outputTokens", { type: "BigInt", description: "tokens answered" }),
      totalTokens: t.expose("totalTokens", { type: "BigInt", description: "both" }),
      seats: t.exposeInt("seats", { description: "people who used it or were billed for it" }),
    }),
  });
}

function addTeamSpend(builder: Builder) {
  return builder.objectRef<TeamSpend>("TeamSpend").implement({
    description: "what a team's own people cost; teams below it stand in rows of their own",
    fields: (t) => ({
      teamId: t.exposeID("teamId", { description: "identifier; `unassigned` for people without a team" }),
      team: t.exposeString("team", { description: "name" }),
      parentTeamId: t.id({
        nullable: true,
        description: "the team above it",
        resolve: ({ parentTeamId }) => parentTeamId,
      }),
      costCentre: t.exposeString("costCentre", {
        nullable: true,
        description: "its own, else that of the nearest team above it",
      }),
      headcount: t.exposeInt("headcount", { description: "people whose primary team it is" }),
      activeUsers: t.exposeInt("activeUsers", { description: "those of them who used AI in the window" }),
      adoptionRate: t.exposeFloat("adoptionRate", {
        nullable: true,
        description: "active users by headcount, 0 to 1; null without a headcount",
      }),
      spendUsd: t.expose("spend", { type: "Usd", description: "what its people cost" }),
    }),
  });
}

function addPersonSpend(builder: Builder) {
  return builder.objectRef<PersonSpend>("PersonSpend").implement({
    description: "what a person cost on a system",
    fields: (t) => ({
      subject: t.exposeString("subject", { description: "e-mail; `(unattributed)` for bills of nobody" }),
      name: t.exposeString("name", { nullable: true, description: "from the directory" }),
      system: t.exposeString("system", { description: "the provider's short name" }),
      primaryTeam: t.exposeString("primaryTeam", { nullable: true, description: "name of the primary team" }),
      spendUsd: t.expose("spend", { type: "Usd", description: "what it cost" }),
      totalTokens: t.expose("totalTokens", { type: "BigInt", description: "tokens sent and answered" }),
    }),
  });
}

function addCoverage(builder: Builder) {
  return builder.objectRef<UsageCoverage>("AiUsageCoverage").implement({
    description: "what the answers about usage rest on",
    fields: (t) => ({
      billedSystems: t.exposeStringList("billedSystems", { description: "systems whose spend is billed" }),
      observedSystems: t.exposeStringList("observedSystems", {
        description: "systems without a bill, whose spend is the list price of observed calls",
      }),
      calls: t.expose("calls", { type: "BigInt", description: "observed calls" }),
      uncostedCalls: t.expose("uncostedCalls", {
        type: "BigInt",
        description: "calls without a known price",
      }),
      estimatedCalls: t.expose("estimatedCalls", {
        type: "BigInt",
        description: "calls whose tokens are estimated",
      }),
      unattributedUsd: t.field({
        type: "Usd",
        description: "billed money for which no person is known",
        resolve: ({ unattributedNanoUsd }) => unattributedNanoUsd as SystemUsage["spend"],
      }),
      lastCallHour: t.expose("lastCallHour", {
        type: "DateTime",
        nullable: true,
        description: "newest hour from which a device has reported",
      }),
      lastSyncAt: t.expose("lastSyncAt", {
        type: "DateTime",
        nullable: true,
        description: "when a vendor's bill was pulled last",
      }),
    }),
  });
}
