import type { ResultOf } from "gql.tada";
import { useState, type ReactNode } from "react";
import { useQuery } from "../api.ts";
import { count, percent, usd } from "../format.ts";
import { Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { spendQuery } from "../operations/spend.ts";

type Answer = ResultOf<typeof spendQuery>;
type System = Answer["aiUsageSummary"][number];
type TeamRow = Answer["aiSpendByTeam"][number];
type Person = Answer["aiSpendByPerson"][number];

const systemColumns: readonly Column<System>[] = [
  { title: "System", cell: ({ system }) => system, text: ({ system }) => system },
  { title: "Spend", numeric: true, cell: (row) => usd(row.spendUsd), text: (row) => row.spendUsd },
  { title: "Basis", cell: (row) => row.basis.toLowerCase(), text: (row) => row.basis },
  { title: "Tokens", numeric: true, cell: (row) => count(row.totalTokens), text: (row) => row.totalTokens },
  { title: "Seats", numeric: true, cell: (row) => row.seats, text: (row) => String(row.seats) },
];
const teamColumns: readonly Column<TeamRow>[] = [
  { title: "Team", cell: ({ team }) => team, text: ({ team }) => team },
  { title: "Cost centre", cell: (row) => row.costCentre ?? "", text: (row) => row.costCentre ?? "" },
  { title: "People", numeric: true, cell: (row) => row.headcount, text: (row) => String(row.headcount) },
  { title: "Active", numeric: true, cell: (row) => row.activeUsers, text: (row) => String(row.activeUsers) },
  {
    title: "Adoption",
    numeric: true,
    cell: (row) => percent(row.adoptionRate),
    text: (row) => String(row.adoptionRate ?? ""),
  },
  { title: "Spend", numeric: true, cell: (row) => usd(row.spendUsd), text: (row) => row.spendUsd },
];
const personColumns: readonly Column<Person>[] = [
  { title: "Person", cell: (row) => row.name ?? row.subject, text: (row) => row.subject },
  { title: "System", cell: ({ system }) => system, text: ({ system }) => system },
  { title: "Team", cell: (row) => row.primaryTeam ?? "", text: (row) => row.primaryTeam ?? "" },
  { title: "Tokens", numeric: true, cell: (row) => count(row.totalTokens), text: (row) => row.totalTokens },
  { title: "Spend", numeric: true, cell: (row) => usd(row.spendUsd), text: (row) => row.spendUsd },
];

const windows = [7, 30, 90] as const;
const dayMs = 86_400_000;
const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

export function Spend(): ReactNode {
  const [days, setDays] = useState<(typeof windows)[number]>(30);
  const today = Date.now();
  const { loaded } = useQuery(spendQuery, {
    startDate: day(today - (days - 1) * dayMs),
    endDate: day(today),
  });
  return (
    <Page
      title="Spend"
      lead="What AI tools cost, by system, team and person."
      tools={windows.map((each) => (
        <button key={each} type="button" aria-pressed={each === days} onClick={() => setDays(each)}>
          {each} days
        </button>
      ))}
    >
      <Ready loaded={loaded}>
        {({ aiUsageSummary, aiSpendByTeam, aiSpendByPerson }) => (
          <>
            <h2>Systems</h2>
            <Table
              caption="Spend by system"
              columns={systemColumns}
              rows={aiUsageSummary}
              rowKey={({ system, basis }) => `${system} ${basis}`}
              empty="Nothing was seen or billed in this window."
            />
            <h2>Teams</h2>
            <Table
              caption="Spend by team"
              columns={teamColumns}
              rows={aiSpendByTeam}
              rowKey={({ teamId }) => teamId}
              empty="No teams are in the directory yet."
            />
            <h2>People</h2>
            <Table
              caption="Spend by person"
              columns={personColumns}
              rows={aiSpendByPerson}
              rowKey={({ subject, system }) => `${subject} ${system}`}
              empty="Nobody has used anything in this window."
            />
          </>
        )}
      </Ready>
    </Page>
  );
}
