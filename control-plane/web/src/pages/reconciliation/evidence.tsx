import type { ReactNode } from "react";
import { percent, usd, words } from "../../format.ts";
import { Bars } from "../../parts/bars.tsx";
import { Fact } from "../../parts/facts.tsx";
import { Badge } from "../../parts/page.tsx";
import type { Row, Summary } from "../../operations/reconciliation.ts";

/** Why the chosen row stands where it stands: both sides, the weights, and people's parts. */
export function Evidence({ row }: { readonly row: Row | null }): ReactNode {
  if (row === null) return <aside className="card muted">Choose a row to see its evidence.</aside>;
  const { match } = row;
  return (
    <aside className="card" aria-label="Evidence">
      <h2>{row.description}</h2>
      <Badge kind={row.status}>{words(row.status)}</Badge>
      <dl className="facts">
        <Fact name="Billed" value={usd(row.totalCostUsd)} />
        <Fact name="Person" value={row.subject ?? "the bill names nobody"} />
        <Fact name="Day" value={row.usageDate} />
        <Fact name="Service" value={row.service} />
        {row.originalCurrency !== null && row.originalCurrency !== "USD" && (
          <Fact name="As stated" value={`${row.originalAmount ?? ""} ${row.originalCurrency}`} />
        )}
        {row.deferredTo !== null && <Fact name="Returns in" value={row.deferredTo} />}
      </dl>
      {row.note !== null && <p className="notice">{row.note}</p>}
      {match === null ? (
        <p className="muted">No observed usage matches this row.</p>
      ) : (
        <>
          <dl className="facts">
            <Fact name="Match billed" value={usd(match.billedUsd)} />
            <Fact name="Match observed" value={usd(match.observedUsd)} />
            <Fact name="Apart" value={usd(match.deltaUsd)} />
            <Fact name="Confidence" value={percent(match.confidence)} />
          </dl>
          {match.ambiguous && <p className="notice">Another explanation is nearly as good.</p>}
          <table>
            <caption className="hidden">Evidence, {words(match.rule)}</caption>
            <thead>
              <tr>
                <th scope="col">Compared</th>
                <th scope="col">Outcome</th>
                <th scope="col" className="number">
                  Weight, bits
                </th>
              </tr>
            </thead>
            <tbody>
              {match.evidence.map(({ comparison, outcome, bits }) => (
                <tr key={comparison}>
                  <td>{comparison}</td>
                  <td>{outcome}</td>
                  <td className="number">{`${bits > 0 ? "+" : ""}${bits}`}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {match.shares.length > 0 && (
            <dl className="facts" aria-label="Split over people">
              {match.shares.map(({ subject, amountUsd }) => (
                <Fact key={subject} name={subject} value={usd(amountUsd)} />
              ))}
            </dl>
          )}
        </>
      )}
    </aside>
  );
}

/** The residual by cause; the parts sum to it. */
export function Causes({ causes }: Pick<Summary, "causes">): ReactNode {
  if (causes.length === 0) return null;
  return (
    <section className="card" aria-label="Residual by cause">
      <h2>Residual by cause</h2>
      <Bars
        bars={causes.map(({ cause, amountUsd, hint }) => ({
          key: cause,
          label: words(cause),
          length: Math.abs(Number(amountUsd)),
          text: usd(amountUsd),
          hint,
        }))}
      />
    </section>
  );
}
