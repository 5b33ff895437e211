import { useState, type ReactNode } from "react";
import { Link, useSearchParams } from "wouter";
import { useQuery } from "../api.ts";
import { count, percent, usd, words } from "../format.ts";
import { Bars } from "../parts/bars.tsx";
import { Fact } from "../parts/facts.tsx";
import { MonthInput, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { attributionQuery, type AttributionAnswer, type AttributionRow } from "../operations/attribution.ts";
import { Breadcrumb } from "./attribution/breadcrumb.tsx";
import { Sessions } from "./attribution/sessions.tsx";
import {
  argumentsOf,
  daysOf,
  openDimensions,
  readWay,
  stepDown,
  windows,
  writeWay,
  type Way,
} from "./attribution/way.ts";

const mostBars = 8;

/** Who and what causes the spend: from the organisation down to a session, one step at a time. */
export function Attribution(): ReactNode {
  const [address, setAddress] = useSearchParams();
  const way = readWay(address);
  const go = (next: Way): void => setAddress(writeWay(next));
  const [today] = useState(() => Date.now());
  const asked = { ...daysOf(way.span, today), ...argumentsOf(way.steps) };
  const { current } = useQuery(attributionQuery, {
    ...asked,
    by: way.by === "SESSION" ? "PERSON" : way.by,
    costMode: way.mode,
  });
  return (
    <Page
      title="Attribution"
      lead="Who and what causes the spend. Choose a row to look into it."
      tools={
        <>
          {(Object.keys(windows) as (keyof typeof windows)[]).map((span) => (
            <button
              key={span}
              type="button"
              aria-pressed={span === way.span}
              onClick={() => go({ ...way, span })}
            >
              {windows[span]}
            </button>
          ))}
          <MonthInput
            value={way.span in windows ? "" : way.span}
            onChange={(month) => go({ ...way, span: month as Way["span"] })}
          />
        </>
      }
    >
      <Breadcrumb way={way} go={go} />
      <div className="actions spaced">
        <div className="actions" role="group" aria-label="Attribute to">
          {[...openDimensions(way.steps), "SESSION" as const].map((by) => (
            <button key={by} type="button" aria-pressed={by === way.by} onClick={() => go({ ...way, by })}>
              {words(by)}
            </button>
          ))}
        </div>
        <label className="inline">
          <span>Cost</span>
          <select
            value={way.mode}
            onChange={({ target }) =>
              go({ ...way, mode: target.value === "MARKET" ? "MARKET" : "INCREMENTAL" })
            }
          >
            <option value="INCREMENTAL">paid by the call</option>
            <option value="MARKET">at list price</option>
          </select>
        </label>
      </div>
      <Ready loaded={current}>
        {({ aiAttribution: answer }) => (
          <>
            <Total answer={answer} way={way} />
            {way.by === "SESSION" ? (
              <Sessions key={JSON.stringify(asked)} asked={asked} />
            ) : (
              <Rows answer={answer} way={way} go={go} />
            )}
          </>
        )}
      </Ready>
    </Page>
  );
}

function Total({ answer, way }: { readonly answer: AttributionAnswer; readonly way: Way }): ReactNode {
  const { total, headcount, peopleSeen, telemetryCoverage, unresolvedPeople } = answer;
  return (
    <section className="card" aria-label="Total">
      <dl className="facts">
        {costsOf(total, way.mode).map(([name, amount]) => (
          <Fact key={name} name={name} value={money(amount)} />
        ))}
        <Fact name="Tokens" value={count(total.totalTokens)} />
        <Fact name="Calls" value={count(total.calls)} />
        <Fact name="Sessions" value={count(total.sessions)} />
        <Fact name="People" value={count(total.people)} />
        <Fact
          name={`Seen of ${headcount} in the directory`}
          value={coverageText(peopleSeen, telemetryCoverage)}
        />
      </dl>
      {total.uncostedCalls !== "0" && (
        <p className="notice">
          {count(total.uncostedCalls)} calls have no known price; the amounts say nothing of them.
        </p>
      )}
      {unresolvedPeople > 0 && (
        <p className="notice">
          {unresolvedPeople} {unresolvedPeople === 1 ? "address is" : "addresses are"} not in the directory:{" "}
          <Link href="/directory?tab=aliases">say whose they are</Link>.
        </p>
      )}
    </section>
  );
}

interface RowsProps {
  readonly answer: AttributionAnswer;
  readonly way: Way;
  readonly go: (way: Way) => void;
}

function Rows({ answer, way, go }: RowsProps): ReactNode {
  const { rows, total, truncated } = answer;
  const amountOf = (row: AttributionRow): string => (way.mode === "MARKET" ? row.listPriceUsd : row.paidUsd);
  const what = words(way.by);
  const names = costsOf(total, way.mode).map(([name]) => name);
  const columns: readonly Column<AttributionRow>[] = [
    {
      title: what.charAt(0).toUpperCase() + what.slice(1),
      cell: ({ key, label }) => (
        <button type="button" className="link" onClick={() => go(stepDown(way, key))}>
          {label}
        </button>
      ),
      text: ({ label }) => label,
    },
    ...names.map((name, index): Column<AttributionRow> => ({
      title: name,
      numeric: true,
      cell: (row) => money(costsOf(row, way.mode)[index]?.[1] ?? null),
      text: (row) => costsOf(row, way.mode)[index]?.[1] ?? "",
    })),
    { title: "Tokens", numeric: true, cell: (row) => count(row.totalTokens), text: (row) => row.totalTokens },
    { title: "Calls", numeric: true, cell: (row) => count(row.calls), text: (row) => row.calls },
    {
      title: "Sessions",
      numeric: true,
      cell: (row) => count(row.sessions),
      text: (row) => String(row.sessions),
    },
    { title: "People", numeric: true, cell: (row) => count(row.people), text: (row) => String(row.people) },
  ];
  const bars = rows
    .toSorted((a, b) => Number(amountOf(b)) - Number(amountOf(a)))
    .slice(0, mostBars)
    .map((row) => ({
      key: row.key,
      label: row.label,
      length: Number(amountOf(row)),
      text: usd(amountOf(row)),
    }));
  return (
    <>
      {rows.length > 1 && (
        <section className="card" aria-label={`Spend by ${what}`}>
          <h2>
            {names[0]} by {what}
          </h2>
          <Bars bars={bars} />
        </section>
      )}
      <Table
        caption={`Attribution by ${what}`}
        columns={columns}
        rows={rows}
        rowKey={({ key }) => key}
        empty="Nothing was used or billed here in these days."
      />
      {truncated && (
        <p className="notice">Only the dearest {rows.length} are listed; the total has them all.</p>
      )}
      <p className="muted">
        List price and money stand beside each other and are never added up: calls within a flat plan have a
        list price, and the plan&apos;s fee is what they cost.
      </p>
    </>
  );
}

/** The cost that rows are ordered by comes first. */
function costsOf(
  row: AttributionRow,
  mode: Way["mode"],
): readonly (readonly [name: string, usd: string | null])[] {
  const paid = ["Paid by the call", row.paidUsd] as const;
  const list = ["At list price", row.listPriceUsd] as const;
  const billed = [
    ["Billed for use", row.billedUsd],
    ["Billed flat", row.billedFlatUsd],
  ] as const;
  return mode === "MARKET" ? [list, paid, ...billed] : [paid, list, ...billed];
}

function money(amount: string | null): string {
  return amount === null ? "no bill" : usd(amount);
}

function coverageText(seen: number, coverage: number | null): string {
  return coverage === null ? String(seen) : `${seen} (${percent(coverage)})`;
}
