import type { ResultOf } from "gql.tada";
import type { ReactNode } from "react";
import { useQuery } from "../api.ts";
import { count, day, words } from "../format.ts";
import { Badge, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { servicesQuery } from "../operations/services.ts";

type Answer = ResultOf<typeof servicesQuery>;
type Service = Answer["orgAiServices"][number];
type Format = Answer["captureFormats"][number];

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

const captureTexts: Readonly<Record<Format["capture"], string>> = {
  SESSION_LOG: "its log",
  OTLP: "its telemetry",
  INTERCEPT: "the wire",
  RELAY: "the relay",
};

const formatColumns: readonly Column<Format>[] = [
  { title: "Tool or API", cell: ({ tool }) => tool, text: ({ tool }) => tool },
  {
    title: "Version or host",
    cell: ({ toolVersion, host }) => toolVersion ?? host ?? "unknown",
    text: ({ toolVersion, host }) => toolVersion ?? host ?? "",
  },
  { title: "Seen by", cell: ({ capture }) => captureTexts[capture], text: ({ capture }) => capture },
  {
    title: "State",
    cell: ({ isUnderstood }) => (
      <Badge kind={isUnderstood ? "active" : "error"}>{isUnderstood ? "understood" : "not understood"}</Badge>
    ),
    text: ({ isUnderstood }) => String(isUnderstood),
  },
  {
    title: "Devices",
    numeric: true,
    cell: ({ devices }) => count(devices),
    text: ({ devices }) => String(devices),
  },
  { title: "Answers", numeric: true, cell: ({ answers }) => count(answers), text: ({ answers }) => answers },
  {
    title: "Without usage",
    numeric: true,
    cell: (row) => count(row.answersWithoutUsage),
    text: (row) => row.answersWithoutUsage,
  },
  { title: "Last seen", cell: (row) => day(row.lastSeenAt), text: (row) => row.lastSeenAt },
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
        {({ orgAiServices, captureFormats }) => (
          <>
            <Table
              caption="AI services"
              columns={columns}
              rows={orgAiServices.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))}
              rowKey={({ id }) => id}
              empty="No service is known."
            />
            {captureFormats.length > 0 && <Formats formats={captureFormats} />}
          </>
        )}
      </Ready>
    </Page>
  );
}

/** What devices read, and whether they still understand it: what they do not is missing from every figure. */
function Formats({ formats }: { readonly formats: readonly Format[] }): ReactNode {
  return (
    <>
      <h2>What devices read in 30 days</h2>
      <Table
        caption="What devices read"
        columns={formatColumns}
        rows={formats}
        rowKey={({ capture, tool, toolVersion, host }) => `${capture} ${tool} ${toolVersion} ${host}`}
        empty=""
      />
    </>
  );
}
