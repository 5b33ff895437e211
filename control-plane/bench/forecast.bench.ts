/**
 * `node control-plane/bench/forecast.bench.ts`: the forecast against the monthly series of the M3 competition, six months
 * ahead, from histories cut to their last months as new organisations have them. The file is not part of this
 * repository; FLOWSTATE_M3_FILE names it, else it is looked for in `../shared/data` beside the checkout.
 * Bands are calibrated on one half of the series and judged on the other, both ways. `--bands` prints the default
 * quantiles that `src/insights/forecast/bands.data.ts` holds.
 *
 * Goals: MASE at most 0.66 with the full history and 0.90 with 12 months; the 80 % band holds 78 to 82 %, the 95 %
 * band 94 to 96 %. Measured on 714 series: 0.637, 0.888; 80.2 to 80.9 %, 95.3 to 95.7 %.
 */
import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { conformalBands, scaleOf, type Bands } from "../src/insights/forecast/bands.ts";
import { project, type Projection } from "../src/insights/forecast/method.ts";

interface Series {
  readonly x: readonly number[];
  readonly xx: readonly number[];
}

interface Judged {
  /** Mean error by the history's own mean change from one year to the next. */
  readonly mase: number;
  /** Errors by `scaleOf`, step by step. */
  readonly scores: readonly number[];
  readonly method: Projection["method"];
}

const horizon = 6;
const file =
  process.env["FLOWSTATE_M3_FILE"] ?? new URL("../../../shared/data/m3-monthly-half.json", import.meta.url);

if (!existsSync(file)) {
  process.stdout.write(`not tried: no file ${String(file)}; name it by FLOWSTATE_M3_FILE\n`);
} else {
  const all = JSON.parse(readFileSync(file, "utf8")) as readonly Series[];
  if (process.argv.includes("--bands")) printBands(all);
  else if (!measure(all)) process.exitCode = 1;
}

function measure(all: readonly Series[]): boolean {
  let reached = true;
  for (const months of [3, 6, 8, 12, 17, 18, 24, 36, 48, Infinity]) {
    const began = performance.now();
    const judged = all.map((series) => judge(series, months));
    const ms = (performance.now() - began) / all.length;
    const mase = mean(judged.map((one) => one.mase));
    const { covered80, covered95 } = coverage(judged.map(({ scores }) => scores));
    const goal = months === Infinity ? 0.66 : months === 12 ? 0.9 : Infinity;
    const good =
      mase <= goal && covered80 >= 0.78 && covered80 <= 0.82 && covered95 >= 0.94 && covered95 <= 0.96;
    reached &&= good;
    const methods = [...Map.groupBy(judged, ({ method }) => method)].map(
      ([name, own]) => `${name} ${own.length}`,
    );
    process.stdout.write(
      [
        `${months === Infinity ? "all" : String(months).padStart(3)} months:`,
        `MASE ${mase.toFixed(3)},`,
        `80 % band ${percent(covered80)}, 95 % band ${percent(covered95)},`,
        `${ms.toFixed(3)} ms a series (${methods.join(", ")})`,
        good ? "" : "MISSED",
      ]
        .join(" ")
        .trimEnd() + "\n",
    );
  }
  return reached;
}

function judge({ x, xx }: Series, months: number): Judged {
  const history = x.slice(-Math.min(months, x.length));
  const { ahead, residuals, method } = project(history, horizon);
  const errors = ahead.map((value, step) => Math.abs((xx[step] ?? 0) - value));
  const yearly = mean(x.slice(12).map((value, at) => Math.abs(value - (x[at] ?? 0))));
  const scale = scaleOf(history, residuals);
  return { mase: mean(errors) / yearly, scores: errors.map((error) => error / scale), method };
}

function coverage(scores: readonly (readonly number[])[]): { covered80: number; covered95: number } {
  const halves = [0, 1].map((half) => scores.filter((_, index) => index % 2 === half)) as [
    number[][],
    number[][],
  ];
  const [first, second] = halves;
  const hits = [
    ...hitsOf(conformalBands(first, horizon), second),
    ...hitsOf(conformalBands(second, horizon), first),
  ];
  return {
    covered80: mean(hits.map(({ in80 }) => Number(in80))),
    covered95: mean(hits.map(({ in95 }) => Number(in95))),
  };
}

function hitsOf(bands: Bands | null, scores: readonly (readonly number[])[]) {
  return scores.flatMap((row) =>
    row.map((score, step) => ({
      in80: score <= (bands?.within80[step] ?? 0),
      in95: score <= (bands?.within95[step] ?? 0),
    })),
  );
}

/** Each row pools the series cut to two lengths of its class. */
function printBands(all: readonly Series[]): void {
  const classes: readonly (readonly number[])[] = [
    [1],
    [2],
    [3],
    [4, 5],
    [6, 9],
    [12, 17],
    [18, 30],
    [36, 48, Infinity],
  ];
  for (const lengths of classes) {
    const scores = lengths.flatMap((months) => all.map((series) => judge(series, months).scores));
    const bands = conformalBands(scores, horizon);
    const text = (values: readonly number[] = []): string =>
      values.map((value) => value.toFixed(2)).join(", ");
    process.stdout.write(
      `  { fromMonths: ${lengths[0]}, within80: [${text(bands?.within80)}], within95: [${text(bands?.within95)}] },\n`,
    );
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
