import type { ResultOf } from "gql.tada";
import type { ReactNode } from "react";
import { useQuery } from "../api.ts";
import { day, words } from "../format.ts";
import { Badge, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { servicesQuery } from "../operations/services.ts";

type Service = ResultOf<typeof servicesQuery>["orgAiServices"][number];

const flagsOf = ({ monitoringGap, unbilled, unobserved }: Service): readonly string[] => [
  ...(monitoringGap ? ["monitoring gap"] : []),
  ...(unbilled ? ["seen, not billed"] : []),
  ...(unobserved ? ["billed, not seen"] : []),
];

const coverageTexts: Readonly<Record<string, string>> = {
  CATALOG_LISTED: "listed",
  HOSTNAME_RECOGNISED: "traffic",
  BILLING_CONNECTABLE: "bill",
  INVISIBLE: "nothing",
};

const columns: readonly Column<Service>[] = [
  { title: "Service", cell: ({ name }) => name, text: ({ name }) => name },
  { title: "Vendor", cell: ({ vendor }) => vendor, text: ({ vendor }) => vendor },
  { title: "Category", cell: ({ category }) => category, text: ({ category }) => category },
  {
    title: "State",
    cell: ({ state }) => <Badge kind={state}>{words(state)}</Badge>,
    text: ({ state }) => state,
  },
  { title: "Attention", cell: (row) => flagsOf(row).join(", "), text: (row) => flagsOf(row).join(", ") },
  {
    title: "Active, 30 d",
    numeric: true,
    cell: (row) => row.activeUsers30d,
    text: (row) => String(row.activeUsers30d),
  },
  { title: "Last seen", cell: (row) => day(row.lastSeenAt), text: (row) => row.lastSeenAt ?? "" },
  { title: "Last billed", cell: (row) => day(row.lastBilledAt), text: (row) => row.lastBilledAt ?? "" },
  {
    title: "Can be seen by",
    cell: (row) => row.coverage.map((each) => coverageTexts[each] ?? words(each)).join(", "),
    text: (row) => row.coverage.join(" "),
  },
];

const order = ["CONNECTED", "DISCONNECTED", "CATALOGUED"];

export function Services(): ReactNode {
  const { loaded } = useQuery(servicesQuery, {});
  return (
    <Page
      title="Providers inventory"
      lead="Every AI service that is known here, and what the fleet really talks to."
    >
      <Ready loaded={loaded}>
        {({ orgAiServices }) => (
          <Table
            caption="AI services"
            columns={columns}
            rows={orgAiServices.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))}
            rowKey={({ id }) => id}
            empty="No service is known."
          />
        )}
      </Ready>
    </Page>
  );
}
