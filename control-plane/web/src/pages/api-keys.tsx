import type { ResultOf } from "gql.tada";
import { useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { when, words } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { CopyButton, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { createKey, keysQuery, revokeKey } from "../operations/api-keys.ts";

type Keys = ResultOf<typeof keysQuery>;
type ApiKey = Keys["apiKeys"][number];

export function ApiKeys(): ReactNode {
  const { loaded, reload } = useQuery(keysQuery, {});
  const [secret, setSecret] = useState<string | null>(null);
  const toast = useToast();
  const columns: readonly Column<ApiKey>[] = [
    { title: "Name", cell: ({ name }) => name ?? "", text: ({ name }) => name ?? "" },
    { title: "Key", cell: ({ keyId }) => <code>fsa_{keyId}_…</code>, text: ({ keyId }) => keyId },
    {
      title: "Permissions",
      cell: ({ permissions }) => permissions.map(words).join(", "),
      text: ({ permissions }) => permissions.join(" "),
    },
    {
      title: "Made",
      cell: (row) => `${when(row.createdAt)} by ${row.createdBy}`,
      text: (row) => row.createdAt,
    },
    { title: "Last used", cell: (row) => when(row.lastUsedAt), text: (row) => row.lastUsedAt ?? "" },
    {
      title: "State",
      cell: ({ keyId, revokedAt }) =>
        revokedAt === null ? (
          <button
            type="button"
            className="danger"
            onClick={() => void send(revokeKey, { keyId }).then(reload, toast.failed)}
          >
            Revoke
          </button>
        ) : (
          `revoked ${when(revokedAt)}`
        ),
      text: ({ revokedAt }) => revokedAt ?? "active",
    },
  ];
  return (
    <Page title="API keys" lead="For GraphQL and REST. A key can do at most what its maker can.">
      {secret !== null && (
        <Dialog title="The new key" onClose={() => setSecret(null)}>
          <p className="notice">It is shown this once.</p>
          <p className="secret">{secret}</p>
          <CopyButton text={secret} />
        </Dialog>
      )}
      <Ready loaded={loaded}>
        {({ apiKeys, viewer }) => (
          <>
            <form
              className="card"
              aria-label="New key"
              onSubmit={(event) => {
                event.preventDefault();
                const data = new FormData(event.currentTarget);
                const name = data.get("name");
                const chosen = data.getAll("permission");
                const permissions = viewer.permissions.filter((each) => chosen.includes(each));
                if (typeof name !== "string") return;
                void send(createKey, { name, permissions }).then(({ createApiKey }) => {
                  setSecret(createApiKey.key);
                  return reload();
                }, toast.failed);
              }}
            >
              <label>
                <span>Name</span>
                <input name="name" required maxLength={100} />
              </label>
              <fieldset>
                <legend>Permissions</legend>
                {viewer.permissions.map((permission) => (
                  <label key={permission} className="inline">
                    <input type="checkbox" name="permission" value={permission} />
                    <span>{words(permission)}</span>
                  </label>
                ))}
              </fieldset>
              <p>
                <button className="primary">Make key</button>
              </p>
            </form>
            <Table
              caption="API keys"
              columns={columns}
              rows={apiKeys}
              rowKey={({ keyId }) => keyId}
              empty="There is no API key yet."
            />
          </>
        )}
      </Ready>
    </Page>
  );
}
