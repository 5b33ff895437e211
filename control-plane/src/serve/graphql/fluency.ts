import type { ObjectRef } from "@pothos/core";
import { FlowstateError } from "@flowstate/shared/errors";
import {
  fluencyRollup,
  fluencyTrend,
  mostWeeks,
  windowBounds,
  type FluencyRollup,
  type FluencyWeek,
} from "../../insights/fluency/answer.ts";
import { indicatorFacts, type Competency } from "../../insights/fluency/indicators.ts";
import type { FluencyScope } from "../../insights/fluency/scope.ts";
import {
  fewestConversations,
  fewestPeople,
  type CompetencyScore,
  type FluencyScores,
  type IndicatorScore,
  type Withheld,
} from "../../insights/fluency/score.ts";
import type { Principal } from "../../access/check.ts";
import { callerOf, type Builder, type SchemaTypes } from "./builder.ts";

const view = "AI_INSIGHTS_VIEW";
const usualDays = 30;
const usualWeeks = 12;

/** How people work with AI, as their conversations show it: oneself, one's team, the organisation. */
export function addFluency(builder: Builder): void {
  const { Rollup, Week } = addScores(builder);
  const Kind = builder.enumType("FluencyScopeKind", {
    description: "whom a question is about",
    values: {
      ORG: { description: "everybody together" },
      TEAM: {
        description: "a team and those below it together; for its managers and for AI_GOVERNANCE_VIEW",
      },
      PERSON: { description: "the caller alone: nobody sees a colleague's" },
    } satisfies Record<FluencyScope["kind"], { description: string }>,
  });
  const Scope = builder.inputType("FluencyScope", {
    description: "whom a question is about",
    fields: (t) => ({
      kind: t.field({ type: Kind, required: true, description: "of which kind" }),
      id: t.id({
        description:
          "the team; the caller's own organisation, employee or address may be named and need not be",
      }),
    }),
  });

  builder.queryFields((t) => {
    const scope = t.arg({ type: Scope, required: true, description: "whom it is about" });
    const windowDays = t.arg.int({
      defaultValue: usualDays,
      description: `days that are looked at, from ${windowBounds.least} to ${windowBounds.most}`,
    });
    return {
      fluencyRollup: t.field({
        type: Rollup,
        description: "scores of the last days by competency and indicator",
        authScopes: { permission: view },
        args: { scope, windowDays },
        resolve: (_, given, context) => {
          const caller = callerOf(context, view);
          return fluencyRollup(context.store.reader, caller, {
            scope: readScope(given.scope, caller),
            windowDays: given.windowDays ?? usualDays,
            now: context.clock.now(),
          });
        },
      }),
      fluencyTrend: t.field({
        type: [Week],
        description: "the same as of the end of each of the last weeks, the oldest first",
        authScopes: { permission: view },
        args: {
          scope,
          weeks: t.arg.int({
            defaultValue: usualWeeks,
            description: `how many, from 1 to ${mostWeeks}; the current one ends today`,
          }),
          windowDays,
        },
        resolve: (_, given, context) => {
          const caller = callerOf(context, view);
          return fluencyTrend(context.store.reader, caller, {
            scope: readScope(given.scope, caller),
            windowDays: given.windowDays ?? usualDays,
            weeks: given.weeks ?? usualWeeks,
            now: context.clock.now(),
          });
        },
      }),
    };
  });
}

type BuilderTypes = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;

interface GivenScope {
  readonly kind: FluencyScope["kind"];
  readonly id?: string | null | undefined;
}

function readScope({ kind, id = null }: GivenScope, { orgId }: Principal): FluencyScope {
  if (kind === "PERSON") return { kind, id };
  if (kind === "ORG") {
    if (id !== null && id !== orgId)
      throw new FlowstateError("FS_NOT_FOUND", "this is not the caller's organisation");
    return { kind };
  }
  if (id === null) throw new FlowstateError("FS_INPUT_INVALID", "scope.id: expected the team");
  return { kind, teamId: id };
}

function addScores(builder: Builder) {
  const CompetencyName = builder.enumType("Competency", {
    description: "a competency of the 4D framework of AI fluency",
    values: {
      DESCRIPTION: { description: "saying what is wanted, and how" },
      DELEGATION: { description: "deciding what the AI is to do, and what for" },
      DISCERNMENT: { description: "judging what came of it" },
      DILIGENCE: { description: "answering for it: outside conversations, so it is never scored" },
    } satisfies Record<Competency, { description: string }>,
  });
  const WithheldReason = builder.enumType("FluencyWithheld", {
    description: "why there are no scores",
    values: {
      TOO_FEW_PEOPLE: { description: `fewer than ${fewestPeople} people, whom one could tell apart` },
      NO_CONVERSATIONS: { description: "no conversation was judged in these days" },
    } satisfies Record<Withheld, { description: string }>,
  });

  const Indicator = builder.objectRef<IndicatorScore>("IndicatorScore").implement({
    description: "how often a behaviour shows; docs/fluency.md has the rules",
    fields: (t) => ({
      indicator: t.exposeString("indicator", { description: "name of the rule" }),
      label: t.string({
        description: "as people read it",
        resolve: ({ indicator }) => indicatorFacts[indicator].label,
      }),
      prevalence: t.exposeFloat("prevalence", {
        nullable: true,
        description: `share of conversations that show it, from 0 to 1; null for fewer than ${fewestConversations} conversations`,
      }),
      baseline: t.exposeFloat("baseline", {
        description: "the same share in public conversations on claude.ai, January 2026",
      }),
      delta: t.exposeFloat("delta", { nullable: true, description: "prevalence less the baseline" }),
      present: t.exposeInt("present", { description: "conversations that show it" }),
      sampleSize: t.exposeInt("sampleSize", { description: "conversations in which it could show" }),
    }),
  });

  const Score = builder.objectRef<CompetencyScore>("CompetencyScore").implement({
    description: "a competency with its indicators",
    fields: (t) => ({
      competency: t.expose("competency", { type: CompetencyName, description: "which one" }),
      weightedScore: t.exposeFloat("weightedScore", {
        nullable: true,
        description:
          "mean prevalence, each indicator weighing 1 less its baseline; null where one of them is unknown",
      }),
      unweightedScore: t.exposeFloat("unweightedScore", {
        nullable: true,
        description: "mean prevalence; null where one of them is unknown",
      }),
      summary: t.exposeString("summary", { description: "what stands out, in one line" }),
      indicators: t.field({
        type: [Indicator],
        description: "none for diligence",
        resolve: ({ indicators }) => [...indicators],
      }),
    }),
  });

  const scores = <T extends FluencyScores>(ref: ObjectRef<BuilderTypes, T>) => {
    builder.objectFields(ref, (t) => ({
      people: t.int({
        nullable: true,
        description: `whose conversations they are; null for fewer than ${fewestPeople} in a team or the organisation`,
        resolve: ({ people }) => people,
      }),
      sampleSize: t.int({
        description: "conversations counted; 0 where there are none or they are withheld",
        resolve: ({ sampleSize }) => sampleSize,
      }),
      ruleVersion: t.int({
        nullable: true,
        description: "version of the rules: of several the one that judged most of the organisation",
        resolve: ({ ruleVersion }) => ruleVersion,
      }),
      withheld: t.field({
        type: WithheldReason,
        nullable: true,
        description: "why there are no scores; null where there are",
        resolve: ({ withheld }) => withheld,
      }),
      competencies: t.field({
        type: [Score],
        description: "all four",
        resolve: ({ competencies }) => [...competencies],
      }),
    }));
    return ref;
  };
  const Rollup = scores(
    builder.objectRef<FluencyRollup>("FluencyRollup").implement({
      description: "what the conversations of the last days show",
      fields: (t) => ({ windowDays: t.exposeInt("windowDays", { description: "how many days" }) }),
    }),
  );
  const Week = scores(
    builder.objectRef<FluencyWeek>("FluencyWeek").implement({
      description: "what the conversations of the days up to the end of a week show",
      fields: (t) => ({
        weekStart: t.expose("weekStart", { type: "Date", description: "its Monday" }),
      }),
    }),
  );
  return { Rollup, Week };
}
