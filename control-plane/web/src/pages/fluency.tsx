import { useState, type ReactNode } from "react";
import { useQuery } from "../api.ts";
import { percent } from "../format.ts";
import { Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { fluencyQuery, fluencyTeamsQuery, type Rollup, type Week } from "../operations/fluency.ts";
import { TrendChart } from "./fluency/trend-chart.tsx";

type Competency = Rollup["competencies"][number];
type Indicator = Competency["indicators"][number] & { readonly competency: Competency["competency"] };

const windows = [30, 90] as const;
/** People of no team are spent for together, but are no team. */
const withoutTeam = "unassigned";
const withheldTexts = {
  TOO_FEW_PEOPLE: "Fewer than five people have conversations here: one could tell who did what.",
  NO_CONVERSATIONS:
    "No conversation was judged in these days. Agents judge conversations on the device where they capture them.",
} as const;

/** How people work with AI: what their conversations show, never who did what. */
export function Fluency(): ReactNode {
  const [scope, setScope] = useState("ORG");
  const [windowDays, setWindowDays] = useState<number>(windows[0]);
  const { loaded: teams } = useQuery(fluencyTeamsQuery, {});
  const { loaded } = useQuery(fluencyQuery, { scope: scopeOf(scope), windowDays });
  return (
    <Page
      title="Fluency"
      lead="What conversations with AI show, by eleven rules that run on each device; words never leave it."
      tools={
        <>
          <label className="inline">
            <span>Of</span>
            <select value={scope} onChange={({ target }) => setScope(target.value)}>
              <option value="ORG">the organisation</option>
              <option value="ME">me</option>
              {teams.state === "ready" &&
                teams.data.aiSpendByTeam
                  .filter(({ teamId }) => teamId !== withoutTeam)
                  .map(({ teamId, team }) => (
                    <option key={teamId} value={teamId}>
                      {team}
                    </option>
                  ))}
            </select>
          </label>
          <label className="inline">
            <span>Days</span>
            <select value={windowDays} onChange={({ target }) => setWindowDays(Number(target.value))}>
              {windows.map((days) => (
                <option key={days} value={days}>
                  {days}
                </option>
              ))}
            </select>
          </label>
        </>
      }
    >
      <Ready loaded={loaded}>
        {({ fluencyRollup, fluencyTrend }) =>
          fluencyRollup.withheld === null ? (
            <Scores rollup={fluencyRollup} trend={fluencyTrend} />
          ) : (
            <p className="notice">{withheldTexts[fluencyRollup.withheld]}</p>
          )
        }
      </Ready>
    </Page>
  );
}

/** The competencies have names of their own. */
function nameOf(competency: Competency["competency"]): string {
  return competency.charAt(0) + competency.slice(1).toLowerCase();
}

function scopeOf(chosen: string) {
  if (chosen === "ME") return { kind: "PERSON" } as const;
  return chosen === "ORG" ? ({ kind: "ORG" } as const) : ({ kind: "TEAM", id: chosen } as const);
}

function Scores({ rollup, trend }: { readonly rollup: Rollup; readonly trend: readonly Week[] }): ReactNode {
  const { competencies, sampleSize } = rollup;
  const scored = competencies.filter(({ indicators }) => indicators.length > 0);
  const indicators = scored.flatMap(({ competency, indicators: own }) =>
    own.map((each) => ({ ...each, competency })),
  );
  return (
    <>
      <div className="tiles">
        {competencies.map((each) => (
          <section key={each.competency} className="card" aria-label={nameOf(each.competency)}>
            <h2>{nameOf(each.competency)}</h2>
            <p className="figure">{each.weightedScore === null ? "—" : percent(each.weightedScore)}</p>
            {each.unweightedScore !== null && (
              <p className="small">weighted; {percent(each.unweightedScore)} unweighted</p>
            )}
            <p className="muted small">{each.summary}</p>
          </section>
        ))}
      </div>
      <section className="card" aria-label="Twelve weeks">
        <h2>Twelve weeks</h2>
        <TrendChart
          title="Scores by week"
          weeks={trend.map(({ weekStart }) => weekStart)}
          lines={scored.map(({ competency }) => ({
            name: nameOf(competency),
            values: trend.map((week) => scoreOf(week, competency)),
          }))}
        />
        <details>
          <summary>Figures of the chart</summary>
          <Table
            caption="Scores by week"
            columns={weekColumns(scored)}
            rows={trend}
            rowKey={({ weekStart }) => weekStart}
            empty=""
          />
        </details>
      </section>
      <Table
        caption="Behaviours"
        columns={indicatorColumns}
        rows={indicators}
        rowKey={({ indicator }) => indicator}
        empty="There is no behaviour yet."
      />
      <p className="muted">
        {sampleSize} conversations
        {rollup.people === null ? "" : ` of ${rollup.people} ${rollup.people === 1 ? "person" : "people"}`},
        rules of version {rollup.ruleVersion ?? "none"}. The baseline is the same share in public
        conversations. Diligence happens outside conversations and is never scored.
      </p>
    </>
  );
}

function scoreOf({ competencies }: Week, wanted: Competency["competency"]): number | null {
  return competencies.find(({ competency }) => competency === wanted)?.weightedScore ?? null;
}

function weekColumns(scored: readonly Competency[]): readonly Column<Week>[] {
  return [
    { title: "Week of", cell: ({ weekStart }) => weekStart, text: ({ weekStart }) => weekStart },
    {
      title: "Conversations",
      numeric: true,
      cell: ({ sampleSize }) => sampleSize,
      text: ({ sampleSize }) => String(sampleSize),
    },
    ...scored.map(({ competency }): Column<Week> => ({
      title: nameOf(competency),
      numeric: true,
      cell: (week) => shareText(scoreOf(week, competency)),
      text: (week) => String(scoreOf(week, competency) ?? ""),
    })),
  ];
}

const indicatorColumns: readonly Column<Indicator>[] = [
  { title: "Behaviour", cell: ({ label }) => label, text: ({ label }) => label },
  {
    title: "Competency",
    cell: ({ competency }) => nameOf(competency),
    text: ({ competency }) => competency,
  },
  {
    title: "Conversations",
    numeric: true,
    cell: ({ present, sampleSize }) => `${present} of ${sampleSize}`,
    text: ({ present }) => String(present),
  },
  {
    title: "Share",
    numeric: true,
    cell: ({ prevalence }) => shareText(prevalence),
    text: ({ prevalence }) => String(prevalence ?? ""),
  },
  {
    title: "Baseline",
    numeric: true,
    cell: ({ baseline }) => percent(baseline),
    text: ({ baseline }) => String(baseline),
  },
  {
    title: "Difference in points",
    numeric: true,
    cell: ({ delta }) =>
      delta === null ? (
        "too few"
      ) : (
        <span
          className={delta < 0 ? "below" : "above"}
        >{`${delta > 0 ? "+" : ""}${(delta * 100).toFixed(1)}`}</span>
      ),
    text: ({ delta }) => String(delta ?? ""),
  },
];

function shareText(share: number | null): string {
  return share === null ? "too few" : percent(share);
}
