import type { ReactNode } from "react";
import { useQuery } from "../../api.ts";
import { count, usd, when } from "../../format.ts";
import { Fact } from "../../parts/facts.tsx";
import { Ready } from "../../parts/page.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { dryRunQuery, type PolicyDryRun } from "../../operations/policy.ts";
import { Action } from "./rules-table.tsx";

type RuleOutcome = PolicyDryRun["rules"][number];
type PersonOutcome = PolicyDryRun["people"][number];

/** A version that is kept, or a text that is not yet. */
export type Tried = { readonly version: number } | { readonly document: string };

const ruleColumns: readonly Column<RuleOutcome>[] = [
  { title: "Rule", cell: ({ rule }) => rule.name, text: ({ rule }) => rule.name },
  {
    title: "Action",
    cell: ({ rule }) => <Action action={rule.action} />,
    text: ({ rule }) => rule.action,
  },
  {
    title: "Calls that break it",
    numeric: true,
    cell: ({ calls, notTried }) => (notTried === null ? count(calls) : "not tried"),
    text: ({ calls, notTried }) => (notTried === null ? calls : ""),
  },
  {
    title: "At list price",
    numeric: true,
    cell: ({ costUsd, notTried }) => (notTried === null ? usd(costUsd) : ""),
    text: ({ costUsd, notTried }) => (notTried === null ? costUsd : ""),
  },
  {
    title: "People",
    numeric: true,
    cell: ({ people, notTried }) => (notTried === null ? people : ""),
    text: ({ people, notTried }) => (notTried === null ? String(people) : ""),
  },
  {
    title: "Cannot be known",
    numeric: true,
    cell: ({ unknownCalls, notTried }) => (notTried === null ? count(unknownCalls) : ""),
    text: ({ unknownCalls, notTried }) => (notTried === null ? unknownCalls : ""),
  },
  {
    title: "First",
    cell: ({ firstAt, notTried }) => notTried ?? (firstAt === null ? "" : when(firstAt)),
    text: ({ firstAt, notTried }) => notTried ?? firstAt ?? "",
  },
];

const personColumns: readonly Column<PersonOutcome>[] = [
  { title: "Person", cell: ({ subject }) => subject, text: ({ subject }) => subject },
  {
    title: "Blocked calls",
    numeric: true,
    cell: (row) => count(row.blockedCalls),
    text: (row) => row.blockedCalls,
  },
  {
    title: "At list price",
    numeric: true,
    cell: (row) => usd(row.blockedUsd),
    text: (row) => row.blockedUsd,
  },
  { title: "Warned", numeric: true, cell: (row) => count(row.warnedCalls), text: (row) => row.warnedCalls },
  {
    title: "Counted",
    numeric: true,
    cell: (row) => count(row.observedCalls),
    text: (row) => row.observedCalls,
  },
  { title: "Rules", cell: ({ rules }) => rules.join(", "), text: ({ rules }) => rules.join("; ") },
  {
    title: "First blocked",
    cell: ({ firstBlockedAt }) => (firstBlockedAt === null ? "" : when(firstBlockedAt)),
    text: ({ firstBlockedAt }) => firstBlockedAt ?? "",
  },
];

/** Who would have been blocked in the last 30 days, by rule and by person. */
export function DryRun({ tried }: { readonly tried: Tried }): ReactNode {
  const { current } = useDryRun(tried);
  return (
    <section aria-label="Dry run">
      <h2>Dry run over 30 days</h2>
      <Ready loaded={current}>
        {({ policyDryRun: run }) => (
          <>
            <div className="card">
              <p>{verdictOf(run)}</p>
              <dl className="facts">
                <Fact name="Calls that devices reported" value={count(run.calls)} />
                <Fact name="Blocked" value={`${count(run.blockedCalls)} (${usd(run.blockedUsd)})`} />
                <Fact name="Warned" value={count(run.warnedCalls)} />
                <Fact name="Counted alone" value={count(run.observedCalls)} />
              </dl>
            </div>
            <Table
              caption="Dry run by rule"
              columns={ruleColumns}
              rows={run.rules}
              rowKey={({ rule }) => rule.name}
              empty="There is no rule to try."
            />
            <Table
              caption="Dry run by person"
              columns={personColumns}
              rows={run.people}
              rowKey={({ subject }) => subject}
              empty="Nobody would have noticed anything."
            />
          </>
        )}
      </Ready>
    </section>
  );
}

/** The same in a sentence, before a version comes into force. */
export function DryRunVerdict({ tried }: { readonly tried: Tried }): ReactNode {
  const { current } = useDryRun(tried);
  return <Ready loaded={current}>{({ policyDryRun }) => <p>{verdictOf(policyDryRun)}</p>}</Ready>;
}

function useDryRun(tried: Tried) {
  return useQuery(
    dryRunQuery,
    "version" in tried
      ? { version: tried.version, document: null }
      : { version: null, document: tried.document },
  );
}

function verdictOf({ startDate, endDate, calls, blockedCalls, peopleBlocked }: PolicyDryRun): string {
  const days = `From ${startDate} to ${endDate}`;
  if (calls === "0") return `${days} no device reported a call: nothing can be tried.`;
  if (peopleBlocked === 0) return `${days} it would have blocked nobody.`;
  const people = peopleBlocked === 1 ? "one person" : `${count(peopleBlocked)} people`;
  return `${days} it would have blocked ${people}, in ${count(blockedCalls)} of ${count(calls)} calls.`;
}
