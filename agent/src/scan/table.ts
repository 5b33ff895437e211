import { costOf, type Report } from "./report.ts";
import type { Usage } from "./usage.ts";

/** The report as lines for a terminal: names on the left, figures on the right, totals last, then what to know of them. */
export function renderTable(report: Report): string {
  const [sample] = report.rows;
  if (sample === undefined)
    return "No calls found. Tools keep their logs in the home folder of the person who used them.\n";
  const names = Object.keys(sample.labels);
  const head = [...names, "calls", "input", "output", "cache read", "cache write", "cost $"];
  const body = report.rows.map(({ labels, usage }) => [
    ...names.map((key) => labels[key] ?? "unknown"),
    ...figures(usage),
  ]);
  const total = ["total", ...names.slice(1).map(() => ""), ...figures(report.totals)];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...[...body, total].map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column < names.length ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return `${[line(head), rule, ...body.map(line), rule, line(total), "", ...notes(report)].join("\n")}\n`;
}

/** How far the figures go, in sentences. */
function notes({ totals, unpricedModels }: Report): string[] {
  const { floor, estimated } = totals.outputByTrust;
  const said: string[] = [];
  if (floor > 0)
    said.push(
      `${share(floor, totals.output)} of output tokens are a floor: the log may hold a count from before the answer ended.`,
    );
  if (estimated > 0)
    said.push(`${share(estimated, totals.output)} of output tokens are estimated from the logged text.`);
  if (unpricedModels.length > 0) {
    const names = unpricedModels.map(
      ({ provider, model, calls }) => `${model ?? "unknown"} at ${provider} (${calls})`,
    );
    said.push(`Without a known price, and not in the cost: ${names.join(", ")}.`);
  }
  return [...said, "Costs are list prices on the day of each call; a plan may charge less."];
}

function figures(usage: Usage): string[] {
  const counts = [usage.calls, usage.input, usage.output, usage.cacheRead, usage.cacheWrite];
  return [...counts.map((count) => count.toLocaleString("en-GB")), dollars(costOf(usage))];
}

/** Whole cents; less than one is not nothing. */
function dollars(cost: string | null): string {
  if (cost === null) return "unknown";
  const cents = cost.replace(/(\.\d{2}).*$/, "$1");
  return cents === "0.00" && cost !== cents ? "<0.01" : cents;
}

function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  return percent < 1 ? "under 1 %" : `${Math.round(percent)} %`;
}
