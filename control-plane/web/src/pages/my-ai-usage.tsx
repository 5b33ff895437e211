import { useState, type ReactNode } from "react";
import { useQuery } from "../api.ts";
import { count, thisMonth, usd, when, words } from "../format.ts";
import { Fact } from "../parts/facts.tsx";
import { Badge, MonthInput, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { myUsageQuery, type MySession, type MyUsage } from "../operations/my-ai.ts";

type Use = MyUsage["uses"][number];
type Standing = MyUsage["standing"];

/** What one's own tools have used; nobody else's is here. */
export function MyAiUsage(): ReactNode {
  const [month, setMonth] = useState(thisMonth());
  const { loaded } = useQuery(myUsageQuery, daysOf(month));
  return (
    <Page
      title="My AI usage"
      lead="What your own tools have used, as your devices report it."
      tools={<MonthInput value={month} onChange={setMonth} />}
    >
      <Ready loaded={loaded}>
        {({ myAiUsage, myAiSessions }) => (
          <>
            <StandingCard standing={myAiUsage.standing} addresses={myAiUsage.addresses} />
            <Table
              caption="My use by system and tool"
              columns={useColumns}
              rows={myAiUsage.uses}
              rowKey={({ system, tool }) => `${system} ${tool}`}
              empty="Nothing of yours was seen in this month."
            />
            <Table
              caption="My sessions"
              columns={sessionColumns}
              rows={myAiSessions}
              rowKey={({ session }) => session.id}
              empty="No session of yours began in this month."
            />
          </>
        )}
      </Ready>
    </Page>
  );
}

function daysOf(month: string): { readonly startDate: string; readonly endDate: string } {
  const [year = 1970, index = 1] = month.split("-").map(Number);
  const last = new Date(Date.UTC(year, index, 0)).toISOString().slice(0, 10);
  const today = new Date().toISOString().slice(0, 10);
  return { startDate: `${month}-01`, endDate: last < today ? last : today };
}

function StandingCard({
  standing,
  addresses,
}: {
  readonly standing: Standing;
  readonly addresses: readonly string[];
}): ReactNode {
  return (
    <section className="card" aria-label="Standing">
      <dl className="facts">
        <Fact name="You are" value={addresses.join(", ")} />
        <Fact name={`Requests in ${standing.period}`} value={count(standing.requests)} />
        <Fact name="Quota" value={standing.quota === null ? "none" : count(standing.quota)} />
        <Fact name="Over it" value={count(standing.overageUnits)} />
      </dl>
      {standing.signals.map(({ id, meaning, severity, detectedAt, resolved }) => (
        <p key={id}>
          <Badge kind={`severity-${severity}`}>{words(severity)}</Badge> {meaning}, {when(detectedAt)}
          {resolved ? ", resolved" : ""}
        </p>
      ))}
    </section>
  );
}

const useColumns: readonly Column<Use>[] = [
  { title: "System", cell: ({ system }) => system, text: ({ system }) => system },
  { title: "Tool", cell: ({ tool }) => tool, text: ({ tool }) => tool },
  { title: "Calls", numeric: true, cell: ({ calls }) => count(calls), text: ({ calls }) => calls },
  {
    title: "Tokens in",
    numeric: true,
    cell: ({ inputTokens }) => count(inputTokens),
    text: ({ inputTokens }) => inputTokens,
  },
  {
    title: "Tokens out",
    numeric: true,
    cell: ({ outputTokens }) => count(outputTokens),
    text: ({ outputTokens }) => outputTokens,
  },
  {
    title: "At list price",
    numeric: true,
    cell: ({ listPriceUsd }) => (listPriceUsd === null ? "unknown" : usd(listPriceUsd)),
    text: ({ listPriceUsd }) => listPriceUsd ?? "",
  },
];

const sessionColumns: readonly Column<MySession>[] = [
  {
    title: "Began",
    cell: ({ session }) => when(session.startedAt),
    text: ({ session }) => session.startedAt,
  },
  {
    title: "Service",
    cell: ({ session }) => session.service,
    text: ({ session }) => session.service,
  },
  {
    title: "Project",
    cell: ({ session }) => session.project ?? "",
    text: ({ session }) => session.project ?? "",
  },
  { title: "Note", cell: ({ note }) => note ?? "", text: ({ note }) => note ?? "" },
  {
    title: "Calls",
    numeric: true,
    cell: ({ session }) => session.calls,
    text: ({ session }) => String(session.calls),
  },
  {
    title: "At list price",
    numeric: true,
    cell: ({ session }) => usd(session.costUsd),
    text: ({ session }) => session.costUsd,
  },
];
