import type { ReactNode } from "react";

export interface TrendLine {
  readonly name: string;
  /** One value a week, 0 to 1; null where there is none. */
  readonly values: readonly (number | null)[];
}

const width = 760;
const height = 220;
const margin = { top: 12, right: 12, bottom: 28, left: 48 };
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };

/** Shares over weeks, one line each, told apart by dashes as well as by colour. */
export function TrendChart({
  title,
  weeks,
  lines,
}: {
  readonly title: string;
  readonly weeks: readonly string[];
  readonly lines: readonly TrendLine[];
}): ReactNode {
  const x = (index: number): number =>
    margin.left + (weeks.length < 2 ? inner.width / 2 : (index * inner.width) / (weeks.length - 1));
  const top = topOf(lines);
  const y = (share: number): number => margin.top + inner.height * (1 - share / top);
  return (
    <figure className="chart">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${title}; the table below has the figures`}
      >
        {[0, 0.25, 0.5, 0.75, 1]
          .map((part) => part * top)
          .map((tick) => (
            <g key={tick}>
              <line className="grid" x1={margin.left} x2={width - margin.right} y1={y(tick)} y2={y(tick)} />
              <text x={margin.left - 8} y={y(tick) + 4} textAnchor="end">
                {Math.round(tick * 100)} %
              </text>
            </g>
          ))}
        {weeks.map((week, index) =>
          index % 3 === 0 || index === weeks.length - 1 ? (
            <text
              key={week}
              x={x(index)}
              y={height - 8}
              textAnchor={index === weeks.length - 1 ? "end" : "middle"}
            >
              {week.slice(5)}
            </text>
          ) : null,
        )}
        {lines.map(({ name, values }, index) => (
          <g key={name} className={`trend line-${index}`}>
            {stretches(values).map((points) => (
              <polyline
                key={points[0]?.week}
                points={points
                  .map(({ week, value }) => `${x(week).toFixed(1)},${y(value).toFixed(1)}`)
                  .join(" ")}
              />
            ))}
            {values.map((value, week) =>
              // The week is its place.
              value === null ? null : <circle key={weeks[week]} cx={x(week)} cy={y(value)} r="3" />,
            )}
          </g>
        ))}
      </svg>
      <figcaption>
        {lines.map(({ name }, index) => (
          <span key={name} className={`key line-${index}`}>
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** The least of these that all values stay below: low shares would lie on top of each other. */
function topOf(lines: readonly TrendLine[]): number {
  const most = Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  return [0.2, 0.4, 0.6, 0.8].find((top) => most <= top) ?? 1;
}

interface TrendPoint {
  readonly week: number;
  readonly value: number;
}

/** Weeks without a value break a line. */
function stretches(values: readonly (number | null)[]): readonly (readonly TrendPoint[])[] {
  const found: TrendPoint[][] = [];
  let open: TrendPoint[] = [];
  for (const [week, value] of values.entries()) {
    if (value === null) {
      if (open.length > 1) found.push(open);
      open = [];
    } else open.push({ week, value });
  }
  return open.length > 1 ? [...found, open] : found;
}
