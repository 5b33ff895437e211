import { formatUsd } from "@flowstate/shared/money";
import { addUsage, noUsage, type Bucket, type Usage } from "./usage.ts";

export const groupings = ["day", "session", "model", "project", "tool"] as const;
export type Grouping = (typeof groupings)[number];

export interface ReportOptions {
  readonly by: Grouping;
  /** First and last day to count, in `timeZone`; null for no bound. */
  readonly since: string | null;
  readonly until: string | null;
  /** IANA name. */
  readonly timeZone: string;
}

export interface ReportRow {
  /** What the row stands for; a day's row stands for one model of one tool. */
  readonly labels: Readonly<Record<string, string | null>>;
  readonly usage: Usage;
}

export interface Report {
  readonly by: Grouping;
  readonly rows: readonly ReportRow[];
  readonly totals: Usage;
  /** Models whose calls are counted and not priced. */
  readonly unpricedModels: readonly {
    readonly provider: string;
    readonly model: string | null;
    readonly calls: number;
  }[];
}

export function reportOf(buckets: readonly Bucket[], { by, since, until, timeZone }: ReportOptions): Report {
  const dayOf = dayIn(timeZone);
  const rows = new Map<string, ReportRow>();
  const unpriced = new Map<string, { provider: string; model: string | null; calls: number }>();
  for (const bucket of buckets) {
    const date = dayOf(bucket.quarter);
    if ((since !== null && date < since) || (until !== null && date > until)) continue;
    const labels = labelsOf[by](bucket, date);
    const key = Object.values(labels).join("\n");
    const row = rows.get(key);
    rows.set(key, { labels, usage: row === undefined ? bucket.usage : addUsage(row.usage, bucket.usage) });
    if (bucket.usage.unpricedCalls > 0) {
      const name = `${bucket.provider}\n${bucket.model}`;
      const { provider, model } = bucket;
      unpriced.set(name, {
        provider,
        model,
        calls: (unpriced.get(name)?.calls ?? 0) + bucket.usage.unpricedCalls,
      });
    }
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  return {
    by,
    rows: by === "day" ? sorted : sorted.toSorted((a, b) => dearerFirst(a.usage, b.usage)),
    totals: sorted.reduce((sum, { usage }) => addUsage(sum, usage), noUsage),
    unpricedModels: [...unpriced.values()].sort((a, b) => b.calls - a.calls),
  };
}

function dearerFirst({ costNanoUsd: a }: Usage, { costNanoUsd: b }: Usage): number {
  return Number(a < b) - Number(a > b);
}

const labelsOf: Readonly<Record<Grouping, (bucket: Bucket, date: string) => Record<string, string | null>>> =
  {
    day: ({ model, tool }, date) => ({ date, model, tool }),
    session: ({ session, tool, project }) => ({ session, tool, project }),
    model: ({ model, provider }) => ({ model, provider }),
    project: ({ project }) => ({ project }),
    tool: ({ tool }) => ({ tool }),
  };

/** The report as `flowstate scan --json` prints it. */
export function reportJson({ by, rows, totals, unpricedModels }: Report): Readonly<Record<string, unknown>> {
  return {
    [`${by}s`]: rows.map(({ labels, usage }) => ({ ...labels, ...usageJson(usage) })),
    totals: { ...usageJson(totals), outputTokensByTrust: totals.outputByTrust },
    unpricedModels,
  };
}

function usageJson(usage: Usage): Readonly<Record<string, unknown>> {
  return {
    calls: usage.calls,
    inputTokens: usage.input,
    outputTokens: usage.output,
    cacheReadTokens: usage.cacheRead,
    cacheWriteTokens: usage.cacheWrite,
    costUsd: costOf(usage),
    unpricedCalls: usage.unpricedCalls,
  };
}

/** US dollars, or null where no call of the row has a price. */
export function costOf({ costNanoUsd, calls, unpricedCalls }: Usage): string | null {
  return calls > 0 && unpricedCalls === calls ? null : formatUsd(costNanoUsd);
}

/** The calendar day of an instant in a time zone, asked often for few instants. */
function dayIn(timeZone: string): (at: number) => string {
  const known = new Map<number, string>();
  const format =
    timeZone === "UTC"
      ? { format: (at: number) => new Date(at).toISOString().slice(0, 10) }
      : new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  return (at) => {
    const found = known.get(at);
    if (found !== undefined) return found;
    const day = format.format(at);
    known.set(at, day);
    return day;
  };
}
