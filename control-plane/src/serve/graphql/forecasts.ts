import { FlowstateError } from "@flowstate/shared/errors";
import type { NanoUsd } from "@flowstate/shared/money";
import type { Period } from "@flowstate/shared/time";
import { actorOf } from "../../access/check.ts";
import { recordAudit } from "../../audit/record.ts";
import type { ForecastConfidence } from "../../insights/forecast/confidence.ts";
import type { ForecastPoint } from "../../insights/forecast/organisation.ts";
import { refreshForecasts } from "../../insights/forecast/refresh.ts";
import {
  loadForecastRun,
  loadForecasts,
  type ForecastRun,
  type StoredForecast,
} from "../../insights/forecast/stored.ts";
import { callerOf, type Builder, type GraphqlContext } from "./builder.ts";

const view = "AI_INSIGHTS_VIEW";
const mostAhead = 6;
const mostBack = 60;

interface SeriesPoint {
  readonly period: Period;
  readonly actual: bigint | null;
  readonly point: ForecastPoint | null;
}

/** What projects, teams and the organisation will spend on usage. */
export function addForecasts(builder: Builder): void {
  const Confidence = builder.enumType("ForecastConfidence", {
    description: "how far a forecast can be relied on; docs/insights.md has the thresholds",
    values: {
      LOW: { description: "little history, erratic use, or nothing in the last 30 days" },
      MEDIUM: { description: "half a year of history, and allocations for three months" },
      HIGH: { description: "a year of steady history, allocations throughout, and good in the back-test" },
    } satisfies Record<ForecastConfidence, { description: string }>,
  });
  const Point = addPoint(builder);

  const listed = (kind: "project" | "team") =>
    builder.objectRef<StoredForecast>(kind === "project" ? "ProjectForecast" : "TeamForecast").implement({
      description: `six months ahead for a ${kind}; all of them add up to the organisation exactly`,
      fields: (t) => ({
        ...(kind === "project"
          ? {
              projectId: t.id({
                description: "identifier; `unassigned` for what belongs to no project",
                resolve: ({ id }) => id ?? "unassigned",
              }),
              project: t.string({
                description: "name",
                resolve: ({ id, name }) => name ?? id ?? "(no project)",
              }),
            }
          : {
              teamId: t.id({
                description: "identifier; `unassigned` for people without a team",
                resolve: ({ id }) => id ?? "unassigned",
              }),
              team: t.string({ description: "name", resolve: ({ id, name }) => name ?? id ?? "(no team)" }),
            }),
        rationale: t.exposeString("rationale", { description: "what it rests on, in one line" }),
        headcount: t.exposeInt("headcount", { description: "people who work there today" }),
        fte: t.exposeFloat("fte", { description: "their full-time equivalents" }),
        actual30dUsd: t.field({
          type: "Usd",
          description: "what the last 30 days cost",
          resolve: ({ actual30d }) => actual30d as NanoUsd,
        }),
        confidence: t.field({
          type: Confidence,
          description: "how far it can be relied on",
          resolve: ({ confidence }) => confidence,
        }),
        method: t.exposeString("method", { description: "the method behind most of the money" }),
        backtestMase: t.exposeFloat("backtestMase", {
          nullable: true,
          description:
            "error of past forecasts by the mean change between months; null without a past to try",
        }),
        allocatedUntil: t.exposeString("allocatedUntil", {
          nullable: true,
          description: "last day of the last allocation; null where one is open-ended or there is none",
        }),
        points: t.field({
          type: [Point],
          description: "the six months after the current one",
          resolve: ({ points }) => points.slice(1),
        }),
        currentMonth: t.field({
          type: Point,
          nullable: true,
          description: "the current month as it will have been",
          resolve: ({ points }) => points[0] ?? null,
        }),
      }),
    });

  const Project = listed("project");
  const Team = listed("team");
  const Series = addSeries(builder);
  const Run = addRun(builder);

  builder.queryFields((t) => {
    const organizationId = t.arg.id({ required: true, description: "the caller's own organisation" });
    const authScopes = { permission: view } as const;
    return {
      aiProjectForecasts: t.field({
        type: [Project],
        description: "the forecast of each project, the dearest first; from live data alone",
        authScopes,
        args: { organizationId },
        resolve: (_, args, context) => forecastsOf(context, args.organizationId, "project"),
      }),
      aiTeamForecasts: t.field({
        type: [Team],
        description: "the forecast of each team's own people, the dearest first; from live data alone",
        authScopes,
        args: { organizationId },
        resolve: (_, args, context) => forecastsOf(context, args.organizationId, "team"),
      }),
      aiForecastMonthlySeries: t.field({
        type: [Series],
        description: "what past months cost, then the current one and those ahead as expected",
        authScopes,
        args: {
          organizationId,
          monthsAhead: t.arg.int({
            defaultValue: 6,
            description: `after the current month, up to ${mostAhead}`,
          }),
          monthsBack: t.arg.int({
            defaultValue: 12,
            description: `before the current month, up to ${mostBack}`,
          }),
        },
        resolve: async (_, args, context) => {
          const ahead = bounded("monthsAhead", args.monthsAhead ?? mostAhead, mostAhead);
          const back = bounded("monthsBack", args.monthsBack ?? 12, mostBack);
          const [whole] = await forecastsOf(context, args.organizationId, "organisation");
          return whole === undefined ? [] : seriesOf(whole, ahead, back);
        },
      }),
      aiForecastRun: t.field({
        type: Run,
        nullable: true,
        description:
          "when the forecasts were made, and how such forecasts did in the past; null before the first",
        authScopes,
        resolve: async (_, __, context) => {
          const { orgId } = callerOf(context, view);
          const run = await loadForecastRun(context.store.reader, orgId);
          const [whole] = await loadForecasts(context.store.reader, orgId, "organisation");
          return run === null ? null : { ...run, backtestMase: whole?.backtestMase ?? null };
        },
      }),
    };
  });

  builder.mutationFields((t) => ({
    refreshForecasts: t.boolean({
      description: "makes the forecasts anew from what is known now; it also happens by itself each night",
      authScopes: { permission: view },
      resolve: async (_, __, context) => {
        const caller = callerOf(context, view);
        const { orgId } = caller;
        await refreshForecasts(context, orgId);
        const entry = {
          orgId,
          at: context.clock.now(),
          actor: actorOf(caller),
          action: "forecasts.refreshed",
        } as const;
        await context.store.transact((db) => recordAudit(db, entry));
        return true;
      },
    }),
  }));
}

async function forecastsOf(
  context: GraphqlContext,
  organizationId: string,
  kind: StoredForecast["kind"],
): Promise<readonly StoredForecast[]> {
  const { orgId } = callerOf(context, view);
  if (organizationId !== orgId) {
    throw new FlowstateError(
      "FS_NOT_FOUND",
      "organizationId: not the caller's organisation; `viewer` tells which it is",
    );
  }
  return loadForecasts(context.store.reader, orgId, kind);
}

function seriesOf({ actuals, points }: StoredForecast, ahead: number, back: number): readonly SeriesPoint[] {
  return [
    ...(back === 0 ? [] : actuals.slice(-back)).map(({ period, nanoUsd }) => ({
      period,
      actual: nanoUsd,
      point: null,
    })),
    ...points.slice(0, ahead + 1).map((point) => ({ period: point.period, actual: null, point })),
  ];
}

function bounded(name: string, given: number, most: number): number {
  if (given >= 0 && given <= most) return given;
  throw new FlowstateError("FS_INPUT_INVALID", `${name}: ${given} is not from 0 to ${most}`);
}

function addPoint(builder: Builder) {
  return builder.objectRef<ForecastPoint>("ForecastPoint").implement({
    description: "a month ahead",
    fields: (t) => ({
      period: t.expose("period", { type: "Period", description: "the month" }),
      expectedUsd: t.field({
        type: "Usd",
        description: "what usage is expected to cost",
        resolve: ({ expected }) => expected as NanoUsd,
      }),
      lowUsd: t.field({
        type: "Usd",
        description: "lower end of the band that holds 80 of 100 months",
        resolve: ({ low80 }) => low80 as NanoUsd,
      }),
      highUsd: t.field({
        type: "Usd",
        description: "upper end of that band",
        resolve: ({ high80 }) => high80 as NanoUsd,
      }),
      low95Usd: t.field({
        type: "Usd",
        description: "lower end of the band that holds 95 of 100 months",
        resolve: ({ low95 }) => low95 as NanoUsd,
      }),
      high95Usd: t.field({
        type: "Usd",
        description: "upper end of that band",
        resolve: ({ high95 }) => high95 as NanoUsd,
      }),
    }),
  });
}

function addSeries(builder: Builder) {
  const usd = (amount: bigint | null | undefined): NanoUsd | null => (amount ?? null) as NanoUsd | null;
  return builder.objectRef<SeriesPoint>("MonthlySeriesPoint").implement({
    description: "a month of the organisation, past or ahead",
    fields: (t) => ({
      period: t.expose("period", { type: "Period", description: "the month" }),
      actualUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "what usage cost; null for the current month and those ahead",
        resolve: ({ actual }) => usd(actual),
      }),
      expectedUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "what it is expected to cost; null for past months",
        resolve: ({ point }) => usd(point?.expected),
      }),
      lowUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "lower end of the band that holds 80 of 100 months",
        resolve: ({ point }) => usd(point?.low80),
      }),
      highUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "upper end of that band",
        resolve: ({ point }) => usd(point?.high80),
      }),
    }),
  });
}

function addRun(builder: Builder) {
  return builder.objectRef<ForecastRun & Pick<StoredForecast, "backtestMase">>("AiForecastRun").implement({
    description: "a making of forecasts, and what its rolling back-test came to",
    fields: (t) => ({
      asOf: t.expose("asOf", { type: "Date", description: "the day on which it was made" }),
      madeAt: t.expose("madeAt", { type: "DateTime", description: "when" }),
      people: t.exposeInt("people", { description: "people with a history" }),
      backtestMase: t.exposeFloat("backtestMase", {
        nullable: true,
        description: "the organisation's error over one to six months, by the mean change between months",
      }),
      covered80: t.exposeFloat("covered80", {
        nullable: true,
        description: "share of past values within the 80 % band, 0 to 1",
      }),
      covered95: t.exposeFloat("covered95", {
        nullable: true,
        description: "share of past values within the 95 % band, 0 to 1",
      }),
      ownBands: t.exposeBoolean("ownBands", {
        description:
          "whether bands come from this organisation's own errors; else from a public set of series",
      }),
    }),
  });
}
