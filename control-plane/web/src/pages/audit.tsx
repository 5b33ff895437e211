import type { ResultOf } from "gql.tada";
import { useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { when } from "../format.ts";
import { Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { auditQuery, verifyQuery } from "../operations/audit.ts";

type Entry = ResultOf<typeof auditQuery>["auditLog"][number];

const columns: readonly Column<Entry>[] = [
  { title: "No.", numeric: true, cell: ({ sequence }) => sequence, text: ({ sequence }) => sequence },
  { title: "When", cell: ({ at }) => when(at), text: ({ at }) => at },
  { title: "Who", cell: ({ actor }) => actor, text: ({ actor }) => actor },
  { title: "What", cell: ({ action }) => action, text: ({ action }) => action },
  { title: "Target", cell: ({ target }) => target ?? "", text: ({ target }) => target ?? "" },
  { title: "Detail", cell: ({ detail }) => detail ?? "", text: ({ detail }) => detail ?? "" },
  { title: "Hash", cell: ({ hash }) => <code>{hash.slice(0, 12)}…</code>, text: ({ hash }) => hash },
];

export function Audit(): ReactNode {
  const { loaded } = useQuery(auditQuery, {});
  const [verdict, setVerdict] = useState<string | null>(null);
  const verify = async (): Promise<void> => {
    try {
      const { intact, entries, brokenAt, fault } = (await send(verifyQuery, {})).auditVerification;
      setVerdict(
        intact
          ? `The chain is whole: ${entries} entries are as they were written.`
          : `The chain is broken: entry ${brokenAt} is ${fault}.`,
      );
    } catch (error) {
      setVerdict((error as Error).message);
    }
  };
  return (
    <Page
      title="Audit"
      lead="Every change, the newest first. Each entry carries the hash of the one before."
      tools={
        <button type="button" onClick={() => void verify()}>
          Verify the chain
        </button>
      }
    >
      {verdict !== null && (
        <p className="notice" role="status">
          {verdict}
        </p>
      )}
      <Ready loaded={loaded}>
        {({ auditLog }) => (
          <Table
            caption="Audit log"
            columns={columns}
            rows={auditLog}
            rowKey={({ sequence }) => sequence}
            empty="Nothing has happened yet."
          />
        )}
      </Ready>
    </Page>
  );
}
