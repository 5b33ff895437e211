import type { ReactNode } from "react";

/** A month of the chart, in US dollars as numbers: exact amounts stand in the table below it. */
export interface ChartMonth {
  readonly period: string;
  readonly actual: number | null;
  readonly expected: number | null;
  /** 80 of 100 months fall within it. */
  readonly low: number | null;
  readonly high: number | null;
}

const width = 760;
const height = 260;
const margin = { top: 12, right: 12, bottom: 28, left: 64 };
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What was spent as a line, what is expected as a dashed one that goes on from it, and the band around that. */
export function BandChart({
  title,
  months,
}: {
  readonly title: string;
  readonly months: readonly ChartMonth[];
}): ReactNode {
  const most = Math.max(
    0,
    ...months.map(({ actual, expected, high }) => Math.max(actual ?? 0, expected ?? 0, high ?? 0)),
  );
  const ticks = ticksUpTo(most);
  const top = ticks.at(-1) ?? 1;
  const x = (index: number): number =>
    margin.left + (months.length < 2 ? inner.width / 2 : (index * inner.width) / (months.length - 1));
  const y = (amount: number): number => margin.top + inner.height * (1 - amount / top);
  const line = (of: (month: ChartMonth) => number | null): readonly Point[] =>
    months.flatMap((month, index) => {
      const amount = of(month);
      return amount === null ? [] : [{ x: x(index), y: y(amount) }];
    });
  const actual = line((month) => month.actual);
  const last = actual.at(-1);
  const anchor = last === undefined ? [] : [last];
  const expected = [...anchor, ...line((month) => month.expected)];
  const band = [...anchor, ...line((month) => month.high), ...line((month) => month.low).toReversed()];
  return (
    <figure className="chart">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${title}; the table below has the figures`}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line className="grid" x1={margin.left} x2={width - margin.right} y1={y(tick)} y2={y(tick)} />
            <text x={margin.left - 8} y={y(tick) + 4} textAnchor="end">
              {shortUsd(tick)}
            </text>
          </g>
        ))}
        {months.map(({ period }, index) => (
          <text key={period} x={x(index)} y={height - 8} textAnchor="middle">
            {monthName(period)}
          </text>
        ))}
        {band.length > 2 && <polygon className="band" points={pointsOf(band)} />}
        {actual.length > 1 && <polyline className="actual" points={pointsOf(actual)} />}
        {expected.length > 1 && <polyline className="expected" points={pointsOf(expected)} />}
        {actual.map((point) => (
          <circle key={point.x} className="actual" cx={point.x} cy={point.y} r="3" />
        ))}
      </svg>
      <figcaption>
        <span className="key actual">spent</span>
        <span className="key expected">expected</span>
        <span className="key band">80 of 100 months fall within</span>
      </figcaption>
    </figure>
  );
}

function pointsOf(points: readonly Point[]): string {
  return points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
}

/** Three to six round amounts, from nothing to just above the most. */
function ticksUpTo(most: number): readonly number[] {
  if (most <= 0) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

function shortUsd(amount: number): string {
  return `$${compact.format(amount)}`;
}

const shortMonth = new Intl.DateTimeFormat(undefined, { month: "short", timeZone: "UTC" });

/** The year stands under each January and nowhere else. */
function monthName(period: string): string {
  const name = shortMonth.format(new Date(`${period}-01T00:00:00Z`));
  return period.endsWith("-01") ? `${name} ${period.slice(0, 4)}` : name;
}
