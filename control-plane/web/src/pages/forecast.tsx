import { useState, type ReactNode } from "react";
import { useSearchParams } from "wouter";
import { send, useQuery } from "../api.ts";
import { day, percent, usd, when } from "../format.ts";
import { Fact } from "../parts/facts.tsx";
import { Badge, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { useViewer } from "../parts/viewer.tsx";
import {
  forecastQuery,
  refreshNow,
  type ForecastRow,
  type ForecastRun,
  type SeriesPoint,
} from "../operations/forecast.ts";
import { BandChart, type ChartMonth } from "./forecast/band-chart.tsx";

const groupings = { project: "By project", team: "By team" } as const;

/** Six months of what was spent, and six of what is expected. */
export function Forecast(): ReactNode {
  const { organizationId } = useViewer();
  const [address, setAddress] = useSearchParams();
  const by = address.get("by") === "team" ? "team" : "project";
  const shown = address.get("show");
  const { loaded, reload } = useQuery(forecastQuery, { organizationId });
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const refresh = async (): Promise<void> => {
    setBusy(true);
    try {
      await send(refreshNow, {});
      toast.done("The forecasts were made anew.");
    } catch (error) {
      toast.failed(error);
    }
    await reload();
    setBusy(false);
  };
  return (
    <Page
      title="Forecast"
      lead="What use that is paid by the call will cost; seats and other flat fees are no part of it."
      tools={
        <button type="button" className="primary" disabled={busy} onClick={() => void refresh()}>
          {busy ? "Refreshing …" : "Refresh"}
        </button>
      }
    >
      <Ready loaded={loaded}>
        {(answer) => {
          const rows = by === "team" ? answer.aiTeamForecasts : answer.aiProjectForecasts;
          const row = rows.find(({ id }) => id === shown) ?? null;
          return (
            <>
              <RunFacts run={answer.aiForecastRun} />
              <Series
                title={row === null ? "Organisation" : row.name}
                months={row === null ? answer.aiForecastMonthlySeries : monthsOf(row)}
                onWhole={row === null ? null : () => setAddress({ by })}
              />
              <div className="actions" role="group" aria-label="Forecasts">
                {(["project", "team"] as const).map((each) => (
                  <button
                    key={each}
                    type="button"
                    aria-pressed={each === by}
                    onClick={() => setAddress({ by: each })}
                  >
                    {groupings[each]}
                  </button>
                ))}
              </div>
              <Table
                caption={`Forecast by ${by}`}
                columns={columnsFor((id) => setAddress({ by, show: id }))}
                rows={rows}
                rowKey={({ id }) => id}
                empty={`There is no forecast by ${by} yet.`}
              />
              <p className="muted">
                All projects add up to the organisation, and so do all teams. It follows from live data alone.
              </p>
            </>
          );
        }}
      </Ready>
    </Page>
  );
}

function RunFacts({ run }: { readonly run: ForecastRun }): ReactNode {
  if (run === null)
    return (
      <p className="notice">No forecast has been made yet. It happens by itself each night, or by Refresh.</p>
    );
  return (
    <section className="card" aria-label="How it was made">
      <dl className="facts">
        <Fact name="As of" value={`${day(run.asOf)}, made ${when(run.madeAt)}`} />
        <Fact name="People with a history" value={run.people} />
        <Fact name="Error in the back-test (MASE)" value={run.backtestMase?.toFixed(2) ?? "no past to try"} />
        <Fact name="Past months in the 80 % band" value={percent(run.covered80)} />
        <Fact name="Past months in the 95 % band" value={percent(run.covered95)} />
        <Fact name="Bands come from" value={run.ownBands ? "your own past" : "a public set of series"} />
      </dl>
    </section>
  );
}

interface SeriesProps {
  readonly title: string;
  readonly months: readonly SeriesPoint[];
  /** Back to the organisation; null where it is the organisation. */
  readonly onWhole: (() => void) | null;
}

const seriesColumns: readonly Column<SeriesPoint>[] = [
  { title: "Month", cell: ({ period }) => period, text: ({ period }) => period },
  ...(
    [
      ["Spent", "actualUsd"],
      ["Expected", "expectedUsd"],
      ["Low (80 %)", "lowUsd"],
      ["High (80 %)", "highUsd"],
    ] as const
  ).map(([title, field]): Column<SeriesPoint> => ({
    title,
    numeric: true,
    cell: (point) => (point[field] === null ? "" : usd(point[field])),
    text: (point) => point[field] ?? "",
  })),
];

function Series({ title, months, onWhole }: SeriesProps): ReactNode {
  if (months.length === 0) return null;
  return (
    <section aria-label={`${title}, month by month`}>
      <div className="card">
        <div className="page-head">
          <h2>{title}</h2>
          {onWhole !== null && (
            <button type="button" onClick={onWhole}>
              Show the organisation
            </button>
          )}
        </div>
        <BandChart title={`${title}, month by month`} months={months.map(toChartMonth)} />
      </div>
      <details>
        <summary>Figures of the chart</summary>
        <Table
          caption={`${title} by month`}
          columns={seriesColumns}
          rows={months}
          rowKey={({ period }) => period}
          empty=""
        />
      </details>
    </section>
  );
}

function toChartMonth({ period, actualUsd, expectedUsd, lowUsd, highUsd }: SeriesPoint): ChartMonth {
  const number = (text: string | null): number | null => (text === null ? null : Number(text));
  return {
    period,
    actual: number(actualUsd),
    expected: number(expectedUsd),
    low: number(lowUsd),
    high: number(highUsd),
  };
}

function monthsOf({ currentMonth, points }: ForecastRow): readonly SeriesPoint[] {
  return [...(currentMonth === null ? [] : [currentMonth]), ...points].map((point) => ({
    ...point,
    actualUsd: null,
  }));
}

function columnsFor(show: (id: string) => void): readonly Column<ForecastRow>[] {
  return [
    {
      title: "Name",
      cell: ({ id, name, rationale }) => (
        <>
          <button type="button" className="link" onClick={() => show(id)}>
            {name}
          </button>
          <p className="muted small">{rationale}</p>
        </>
      ),
      text: ({ name }) => name,
    },
    {
      title: "Staffing",
      numeric: true,
      cell: ({ headcount, fte }) => `${headcount}, ${fte.toFixed(1)} FTE`,
      text: ({ headcount, fte }) => `${headcount} ${fte}`,
    },
    {
      title: "Allocated until",
      cell: (row) => row.allocatedUntil ?? "open",
      text: (row) => row.allocatedUntil ?? "",
    },
    {
      title: "Last 30 days",
      numeric: true,
      cell: (row) => usd(row.actual30dUsd),
      text: (row) => row.actual30dUsd,
    },
    {
      title: "This month",
      numeric: true,
      cell: ({ currentMonth }) => (currentMonth === null ? "" : usd(currentMonth.expectedUsd)),
      text: ({ currentMonth }) => currentMonth?.expectedUsd ?? "",
    },
    {
      title: "Next month",
      numeric: true,
      cell: ({ points: [next] }) => (next === undefined ? "" : usd(next.expectedUsd)),
      text: ({ points: [next] }) => next?.expectedUsd ?? "",
    },
    {
      title: "of 80 %, between",
      numeric: true,
      cell: ({ points: [next] }) => (next === undefined ? "" : `${usd(next.lowUsd)} – ${usd(next.highUsd)}`),
      text: ({ points: [next] }) => (next === undefined ? "" : `${next.lowUsd} ${next.highUsd}`),
    },
    {
      title: "Confidence",
      cell: ({ confidence }) => <Badge kind={`confidence-${confidence}`}>{confidence.toLowerCase()}</Badge>,
      text: ({ confidence }) => confidence,
    },
    {
      title: "Back-test",
      numeric: true,
      cell: ({ backtestMase }) => backtestMase?.toFixed(2) ?? "none",
      text: ({ backtestMase }) => String(backtestMase ?? ""),
    },
  ];
}
