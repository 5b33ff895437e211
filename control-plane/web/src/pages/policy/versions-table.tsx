import type { ReactNode } from "react";
import { Link } from "wouter";
import { when, words } from "../../format.ts";
import { Badge } from "../../parts/page.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import type { PolicyVersion } from "../../operations/policy.ts";

const columns: readonly Column<PolicyVersion>[] = [
  {
    title: "Version",
    cell: ({ version }) => <Link href={`/governance/policy?version=${version}`}>Version&nbsp;{version}</Link>,
    text: ({ version }) => String(version),
  },
  {
    title: "State",
    cell: ({ state }) => <Badge kind={`policy-${state}`}>{words(state)}</Badge>,
    text: ({ state }) => state,
  },
  {
    title: "What for",
    cell: ({ note, summary }) => (
      <>
        {note ?? summary}
        {note !== null && <p className="muted small">{summary}</p>}
      </>
    ),
    text: ({ note, summary }) => note ?? summary,
  },
  {
    title: "Rules",
    numeric: true,
    cell: ({ rules }) => rules.length,
    text: ({ rules }) => String(rules.length),
  },
  {
    title: "Drafted",
    cell: ({ draftedAt, draftedBy }) => <Step at={draftedAt} by={draftedBy} />,
    text: ({ draftedAt }) => draftedAt,
  },
  {
    title: "Activated",
    cell: ({ activatedAt, approver }) => <Step at={activatedAt} by={approver} />,
    text: ({ activatedAt }) => activatedAt ?? "",
  },
  {
    title: "Archived",
    cell: ({ archivedAt }) => <Step at={archivedAt} by={null} />,
    text: ({ archivedAt }) => archivedAt ?? "",
  },
];

/** Every version, the newest first: who drafted it, who put it in force, and until when. */
export function VersionsTable({ versions }: { readonly versions: readonly PolicyVersion[] }): ReactNode {
  return (
    <Table
      caption="Policy versions"
      columns={columns}
      rows={versions}
      rowKey={({ version }) => String(version)}
      empty="No version has been drafted yet."
    />
  );
}

function Step({ at, by }: { readonly at: string | null; readonly by: string | null }): ReactNode {
  if (at === null) return null;
  return (
    <>
      {when(at)}
      {by !== null && <p className="muted small">{by}</p>}
    </>
  );
}
