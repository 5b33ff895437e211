import type { ReactNode } from "react";
import { words } from "../../format.ts";
import { Badge } from "../../parts/page.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import type { PolicyRule } from "../../operations/policy.ts";

const columns: readonly Column<PolicyRule>[] = [
  { title: "Type", cell: ({ type }) => words(type), text: ({ type }) => type },
  { title: "Rule", cell: ({ name }) => name, text: ({ name }) => name },
  {
    title: "A call passes where",
    cell: ({ condition, message }) => (
      <>
        {condition}
        {message !== null && <p className="muted small">“{message}”</p>}
      </>
    ),
    text: ({ condition }) => condition,
  },
  { title: "Otherwise", cell: ({ action }) => <Action action={action} />, text: ({ action }) => action },
  { title: "For", cell: ({ scope }) => scope, text: ({ scope }) => scope },
];

/** Rules of a version, those of a type together; their order means nothing. */
export function RulesTable({
  caption,
  rules,
}: {
  readonly caption: string;
  readonly rules: readonly PolicyRule[];
}): ReactNode {
  return (
    <Table
      caption={caption}
      columns={columns}
      rows={rules.toSorted((a, b) => a.type.localeCompare(b.type) || a.name.localeCompare(b.name))}
      rowKey={({ name }) => name}
      empty="This policy has no rules: everything passes."
    />
  );
}

export function Action({ action }: { readonly action: PolicyRule["action"] }): ReactNode {
  return <Badge kind={`action-${action}`}>{words(action)}</Badge>;
}
