import { sql } from "kysely";
import { dayMs, type UsageDate } from "@flowstate/shared/time";
import { overDays, weekOf, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";
import { median } from "../figures.ts";

const baselineDays = 28;
/** Days of the baseline on which the model was used enough. */
const leastDays = 10;
const leastCalls = 50;
/** So many days in a row must be worse; one bad day is an incident of the vendor's. */
const daysInRow = 2;
const factor = 1.5;
const leastFailingShare = 0.03;
/** Below so many calls of a day, a share is chance. */
const leastFailed = 5;

export const modelRegression: Detector = {
  types: ["model_regression_signal"],
  cadence: "nightly",
  async find(scope) {
    const from = scope.from - (baselineDays + daysInRow) * dayMs;
    const days = await overDays({ from, to: scope.to }, (day) => loadModelDays(scope, day));
    return findRegressions(days).filter(({ at }) => at >= scope.from);
  },
};

export interface ModelDay {
  readonly provider: string;
  readonly model: string;
  readonly date: UsageDate;
  readonly calls: number;
  /** Calls that the vendor failed (5xx) or that got no answer. */
  readonly failed: number;
  /** Of answered calls with both known: milliseconds for a token of output. */
  readonly msPerToken: number | null;
}

/** Models of which two days in a row were worse than every day of the four weeks before them, and by half. */
export function findRegressions(days: readonly ModelDay[]): readonly Finding[] {
  const busy = days.filter(({ calls }) => calls >= leastCalls);
  return [...Map.groupBy(busy, ({ provider, model }) => `${provider} ${model}`).values()].flatMap((own) => {
    const sorted = own.sort((a, b) => (a.date < b.date ? -1 : 1));
    return sorted.flatMap((_, index) => [
      ...judge(sorted, index, "failing", failingShare, leastFailingShare),
      ...judge(sorted, index, "slow", ({ msPerToken }) => msPerToken, 0),
    ]);
  });
}

function judge(
  days: readonly ModelDay[],
  index: number,
  kind: "failing" | "slow",
  measure: (day: ModelDay) => number | null,
  least: number,
): readonly Finding[] {
  const day = days[index];
  const recent = days.slice(index - daysInRow + 1, index + 1);
  const [first] = recent;
  if (day === undefined || first === undefined || recent.length < daysInRow) return [];
  const start = Date.parse(first.date);
  if (Date.parse(day.date) - start !== (daysInRow - 1) * dayMs) return [];
  const baseline = days
    .filter(({ date }) => date < first.date && Date.parse(date) >= start - baselineDays * dayMs)
    .flatMap((before) => measure(before) ?? []);
  if (baseline.length < leastDays) return [];
  const usual = median(baseline);
  const limit = Math.max(least, usual * factor, ...baseline);
  const values = recent.map(measure);
  if (kind === "failing" && recent.some(({ failed }) => failed < leastFailed)) return [];
  if (!values.every((value) => value !== null && value > limit)) return [];
  const { provider, model, date, calls } = day;
  return [
    {
      type: "model_regression_signal",
      severity: "WARN",
      subject: null,
      sessionId: null,
      service: provider,
      about: `${provider} ${model} ${kind}`,
      occurrence: weekOf(Date.parse(date)),
      at: Date.parse(date),
      evidence: {
        model,
        kind,
        day: date,
        calls,
        value: rounded(values.at(-1) ?? 0),
        usual: rounded(usual),
        worstOfFourWeeks: rounded(Math.max(...baseline)),
        unit: kind === "failing" ? "share of calls" : "ms for a token of output",
      },
    },
  ];
}

function failingShare({ failed, calls }: ModelDay): number {
  return failed / calls;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

async function loadModelDays({ db, orgId }: Scope, day: Day): Promise<readonly ModelDay[]> {
  const timed = sql`status < 400 AND duration_ms IS NOT NULL AND output_tokens IS NOT NULL`;
  const rows = await db
    .selectFrom("calls")
    .select(["provider", "model", sql<bigint>`count(*)`.as("calls")])
    .select([
      sql<bigint>`CAST(sum(CASE WHEN status >= 500 OR status = 0 THEN 1 ELSE 0 END) AS BIGINT)`.as("failed"),
      sql<bigint>`CAST(sum(CASE WHEN ${timed} THEN duration_ms ELSE 0 END) AS BIGINT)`.as("duration"),
      sql<bigint>`CAST(sum(CASE WHEN ${timed} THEN output_tokens ELSE 0 END) AS BIGINT)`.as("tokens"),
    ])
    .where("org_id", "=", orgId)
    .where("occurred_at", ">=", day.from)
    .where("occurred_at", "<", day.to)
    .where("model", "is not", null)
    .groupBy(["provider", "model"])
    .execute();
  return rows.map((row) => ({
    provider: row.provider,
    model: row.model ?? "",
    date: day.date,
    calls: Number(row.calls),
    failed: Number(row.failed),
    msPerToken: row.tokens === 0n ? null : Number(row.duration) / Number(row.tokens),
  }));
}
