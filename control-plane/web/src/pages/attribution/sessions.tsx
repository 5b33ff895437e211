import { useState, type ReactNode } from "react";
import { useQuery } from "../../api.ts";
import { count, usd, when } from "../../format.ts";
import { Ready } from "../../parts/page.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { sessionsQuery, type SessionRow } from "../../operations/attribution.ts";

/** The query asks for one more, so that the page knows whether there is another. */
const pageRows = 50;

const promptTokens = ({ inputTokens, cacheReadTokens, cacheWriteTokens }: SessionRow): string =>
  String(BigInt(inputTokens) + BigInt(cacheReadTokens) + BigInt(cacheWriteTokens));

const columns: readonly Column<SessionRow>[] = [
  { title: "Began", cell: (row) => when(row.startedAt), text: (row) => row.startedAt },
  { title: "Person", cell: ({ subject }) => subject, text: ({ subject }) => subject },
  { title: "Tool", cell: ({ tool }) => tool, text: ({ tool }) => tool },
  { title: "Service", cell: ({ service }) => service, text: ({ service }) => service },
  { title: "Project", cell: ({ project }) => project ?? "", text: ({ project }) => project ?? "" },
  { title: "Models", cell: ({ models }) => models.join(", "), text: ({ models }) => models.join(" ") },
  { title: "Calls", numeric: true, cell: (row) => count(row.calls), text: (row) => String(row.calls) },
  { title: "Tokens in", numeric: true, cell: (row) => count(promptTokens(row)), text: promptTokens },
  {
    title: "Tokens out",
    numeric: true,
    cell: (row) => count(row.outputTokens),
    text: (row) => row.outputTokens,
  },
  {
    title: "At list price",
    numeric: true,
    cell: (row) => `${usd(row.costUsd)}${row.estimated ? " (estimated)" : ""}`,
    text: (row) => row.costUsd,
  },
];

/** The end of the way: single sessions, some at a time. */
export function Sessions({ asked }: { readonly asked: Readonly<Record<string, string>> }): ReactNode {
  const [offset, setOffset] = useState(0);
  const { current } = useQuery(sessionsQuery, { ...asked, offset });
  return (
    <Ready loaded={current}>
      {({ aiAttributedSessions: found }) => (
        <>
          <Table
            caption="Sessions"
            columns={columns}
            rows={found.slice(0, pageRows)}
            rowKey={({ id }) => id}
            empty="No session began here in these days."
          />
          <div className="actions">
            <button
              type="button"
              disabled={offset === 0}
              onClick={() => setOffset(Math.max(0, offset - pageRows))}
            >
              Newer
            </button>
            <button
              type="button"
              disabled={found.length <= pageRows}
              onClick={() => setOffset(offset + pageRows)}
            >
              Older
            </button>
            {found.length > 0 && (
              <span className="muted">
                {offset + 1} to {offset + Math.min(found.length, pageRows)}, the newest first
              </span>
            )}
          </div>
        </>
      )}
    </Ready>
  );
}
