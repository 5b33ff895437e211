import type { ReactNode } from "react";
import { Link } from "wouter";
import { send, useQuery } from "../api.ts";
import { when, words } from "../format.ts";
import { Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import {
  revokePersonalKey,
  telemetryKeysQuery,
  type TelemetryKeys as Keys,
} from "../operations/telemetry-keys.ts";

interface Row {
  readonly key: string;
  readonly kind: "organisation" | "service account" | "personal";
  readonly whose: string;
  readonly what: string;
  readonly prefix: string | null;
  readonly made: string | null;
  readonly used: string | null;
  /** Of a personal key, which can be revoked here. */
  readonly id: string | null;
}

/** Every key that identifies traffic and calls of devices, whoever it belongs to. */
export function TelemetryKeys(): ReactNode {
  const { loaded, reload } = useQuery(telemetryKeysQuery, {}, 10_000);
  const toast = useToast();
  const revoke = async ({ id, whose }: Row): Promise<void> => {
    try {
      if (id !== null) await send(revokePersonalKey, { id });
      toast.done(`The key of ${whose} is revoked.`);
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const actions: Column<Row> = {
    title: "Actions",
    cell: (row) =>
      row.kind === "personal" ? (
        <button
          type="button"
          className="danger"
          onClick={() => void revoke(row)}
          aria-label={`Revoke the key of ${row.whose}`}
        >
          Revoke
        </button>
      ) : (
        <Link to={row.kind === "organisation" ? "/settings/cloud-proxy" : "/governance/service-accounts"}>
          Manage
        </Link>
      ),
    text: () => "",
  };
  return (
    <Page
      title="Telemetry Keys"
      lead="Keys that identify what devices send. One key of the organisation is enough for a fleet; programs and people may have their own."
    >
      <Ready loaded={loaded}>
        {(keys) => (
          <Table
            caption="Telemetry keys"
            columns={[...columns, actions]}
            rows={rowsOf(keys)}
            rowKey={({ key }) => key}
            empty="There is no key yet. Make the organisation's on the page of the cloud proxy."
          />
        )}
      </Ready>
    </Page>
  );
}

function rowsOf({ cloudProxyStatus: org, aiServiceAccounts, aiKeyRequests }: Keys): readonly Row[] {
  return [
    ...(org.keyId === null
      ? []
      : [
          {
            key: org.keyId,
            kind: "organisation",
            whose: "everybody",
            what: "the cloud proxy",
            prefix: `fsk_${org.keyId}_`,
            made: org.keyProvisionedAt,
            used: org.lastCaptureAt,
            id: null,
          } as const,
        ]),
    ...aiServiceAccounts.map(
      ({ id, name, subject, keyPrefix, createdAt, lastSeenAt }) =>
        ({
          key: id,
          kind: "service account",
          whose: subject,
          what: name,
          prefix: keyPrefix,
          made: createdAt,
          used: lastSeenAt,
          id: null,
        }) as const,
    ),
    ...aiKeyRequests.map(
      ({ id, subject, toolName, environment, keyPrefix, requestedAt, lastUsedAt }) =>
        ({
          key: id,
          kind: "personal",
          whose: subject,
          what: `${toolName}, ${words(environment)}`,
          prefix: keyPrefix,
          made: requestedAt,
          used: lastUsedAt,
          id,
        }) as const,
    ),
  ];
}

const columns: readonly Column<Row>[] = [
  { title: "Kind", cell: ({ kind }) => kind, text: ({ kind }) => kind },
  { title: "Whose", cell: ({ whose }) => whose, text: ({ whose }) => whose },
  { title: "For", cell: ({ what }) => what, text: ({ what }) => what },
  {
    title: "Key",
    cell: ({ prefix }) => (prefix === null ? "not revealed yet" : <code>{prefix}…</code>),
    text: ({ prefix }) => prefix ?? "",
  },
  { title: "Made", cell: ({ made }) => when(made), text: ({ made }) => made ?? "" },
  { title: "Last seen", cell: ({ used }) => when(used), text: ({ used }) => used ?? "" },
];
