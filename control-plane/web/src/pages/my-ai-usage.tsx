import { useState, type ReactNode } from "react";
import { useQuery } from "../api.ts";
import { count, thisMonth, usd } from "../format.ts";
import { useOpenNudges } from "../parts/open-nudges.tsx";
import { MonthInput, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { myUsageQuery, type MyUsage } from "../operations/my-ai.ts";
import { Nudges } from "./my-ai-usage/nudges.tsx";
import { Sessions } from "./my-ai-usage/sessions.tsx";
import { StandingCards } from "./my-ai-usage/standing.tsx";

type Use = MyUsage["uses"][number];

/** What one's own tools have used; nobody else's is here. */
export function MyAiUsage(): ReactNode {
  const [month, setMonth] = useState(thisMonth());
  const [offProject, setOffProject] = useState(false);
  const { loaded, reload } = useQuery(myUsageQuery, { ...daysOf(month), offProject });
  const { reload: recount } = useOpenNudges();
  const toast = useToast();
  const run = async (action: () => Promise<string>): Promise<boolean> => {
    try {
      toast.done(await action());
      return true;
    } catch (error) {
      toast.failed(error);
      return false;
    } finally {
      await Promise.all([reload(), recount()]);
    }
  };
  const chooseSessions = (): void => {
    setMonth(thisMonth());
    setOffProject(true);
    document.querySelector("#my-sessions")?.scrollIntoView();
  };
  return (
    <Page
      title="My AI usage"
      lead="What your own tools have used, as your devices report it."
      tools={<MonthInput value={month} onChange={setMonth} />}
    >
      <Ready loaded={loaded}>
        {({ myAiUsage, myAiSessions }) => (
          <>
            <StandingCards standing={myAiUsage.standing} addresses={myAiUsage.addresses} />
            <Nudges nudges={myAiUsage.standing.nudges} run={run} onMark={chooseSessions} />
            <Table
              caption="My use by system and tool"
              columns={useColumns}
              rows={myAiUsage.uses}
              rowKey={({ system, tool }) => `${system} ${tool}`}
              empty="Nothing of yours was seen in this month."
            />
            <Sessions
              sessions={myAiSessions}
              offProject={offProject}
              onOffProject={setOffProject}
              run={run}
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
