import { useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { when, words } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Badge, CopyButton, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useAction } from "../parts/toast.tsx";
import { useMay } from "../parts/viewer.tsx";
import {
  approveKey,
  keyRequestsQuery,
  myKeysQuery,
  refuseKey,
  requestKey,
  revealKey,
  revokeMyKey,
  type AiKey,
} from "../operations/my-ai.ts";

const environments = ["DEVELOPMENT", "STAGING", "PRODUCTION"] as const;

/** Keys of one's own: asked for, approved, shown once, revoked. Whoever decides sees the requests of others below. */
export function MyAiKeys(): ReactNode {
  const { loaded, reload } = useQuery(myKeysQuery, {}, 10_000);
  const [secret, setSecret] = useState<string | null>(null);
  const decides = useMay("SETTINGS_API_KEYS_CREATE");
  const run = useAction(reload);
  const actions: Column<AiKey> = {
    title: "Actions",
    cell: ({ id, state, toolName }) => (
      <div className="actions">
        {state === "APPROVED" && (
          <button
            type="button"
            className="primary"
            aria-label={`Show the key for ${toolName}`}
            onClick={() =>
              void run(async () => {
                setSecret((await send(revealKey, { id })).revealAiKey.key);
                return null;
              })
            }
          >
            Show once
          </button>
        )}
        {(state === "ACTIVE" || state === "APPROVED" || state === "PENDING") && (
          <button
            type="button"
            className="danger"
            aria-label={`Revoke the key for ${toolName}`}
            onClick={() =>
              void run(async () => {
                await send(revokeMyKey, { id });
                return "It is revoked.";
              })
            }
          >
            Revoke
          </button>
        )}
      </div>
    ),
    text: () => "",
  };
  return (
    <Page title="My AI keys" lead="Keys under which your own programs are metered as you.">
      {secret !== null && (
        <Dialog title="Your key" onClose={() => setSecret(null)}>
          <p className="notice">This is the only time that it is shown.</p>
          <p className="secret">{secret}</p>
          <div className="actions">
            <CopyButton text={secret} label="Copy key" />
            <button type="button" className="primary" onClick={() => setSecret(null)}>
              I have copied it
            </button>
          </div>
        </Dialog>
      )}
      <Ready loaded={loaded}>
        {({ myAiKeys, aiKeyTools }) => (
          <>
            <form
              className="card actions"
              aria-label="Ask for a key"
              onSubmit={(event) => {
                event.preventDefault();
                const form = event.currentTarget;
                const data = new FormData(form);
                const [tool, purpose] = [data.get("tool"), data.get("purpose")];
                if (typeof tool !== "string" || typeof purpose !== "string") return;
                const environment =
                  environments.find((each) => each === data.get("environment")) ?? "DEVELOPMENT";
                void run(async () => {
                  const made = (await send(requestKey, { tool, environment, purpose })).requestAiKey;
                  form.reset();
                  return made.state === "PENDING" ? "Somebody will decide." : "It may be shown now.";
                });
              }}
            >
              <label className="inline">
                <span>For</span>
                <select name="tool" required>
                  {aiKeyTools.map(({ id, name, requiresApproval }) => (
                    <option key={id} value={id}>
                      {name}
                      {requiresApproval ? " (in production after approval)" : ""}
                    </option>
                  ))}
                </select>
              </label>
              <label className="inline">
                <span>Environment</span>
                <select name="environment">
                  {environments.map((each) => (
                    <option key={each} value={each}>
                      {words(each)}
                    </option>
                  ))}
                </select>
              </label>
              <label className="inline">
                <span>Purpose</span>
                <input name="purpose" required maxLength={500} />
              </label>
              <button className="primary">Ask</button>
            </form>
            <Table
              caption="My AI keys"
              columns={[...columns, actions]}
              rows={myAiKeys}
              rowKey={({ id }) => id}
              empty="You have no key yet."
            />
          </>
        )}
      </Ready>
      {decides && <Requests run={run} />}
    </Page>
  );
}

function Requests({
  run,
}: {
  readonly run: (action: () => Promise<string | null>) => Promise<void>;
}): ReactNode {
  const { loaded, reload } = useQuery(keyRequestsQuery, {}, 10_000);
  const [refusing, setRefusing] = useState<AiKey | null>(null);
  const decide = (action: () => Promise<string>): void => void run(action).then(reload);
  const actions: Column<AiKey> = {
    title: "Actions",
    cell: (row) => (
      <div className="actions">
        <button
          type="button"
          aria-label={`Approve ${row.subject}`}
          onClick={() =>
            decide(async () => {
              await send(approveKey, { id: row.id });
              return `${row.subject} may have it.`;
            })
          }
        >
          Approve
        </button>
        <button
          type="button"
          className="danger"
          aria-label={`Refuse ${row.subject}`}
          onClick={() => setRefusing(row)}
        >
          Refuse
        </button>
      </div>
    ),
    text: () => "",
  };
  return (
    <section aria-label="Requests of others">
      <h2>Requests</h2>
      {refusing !== null && (
        <Dialog title={`Refuse ${refusing.subject}`} onClose={() => setRefusing(null)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const reason = new FormData(event.currentTarget).get("reason");
              if (typeof reason !== "string") return;
              const { id, subject } = refusing;
              setRefusing(null);
              decide(async () => {
                await send(refuseKey, { id, reason });
                return `${subject} was refused.`;
              });
            }}
          >
            <label>
              <span>Reason, which they read</span>
              <input name="reason" required maxLength={500} data-first />
            </label>
            <button className="primary">Refuse</button>
          </form>
        </Dialog>
      )}
      <Ready loaded={loaded}>
        {({ aiKeyRequests }) => (
          <Table
            caption="Requests"
            columns={[
              { title: "Who", cell: ({ subject }) => subject, text: ({ subject }) => subject },
              ...columns,
              actions,
            ]}
            rows={aiKeyRequests}
            rowKey={({ id }) => id}
            empty="Nobody is waiting."
          />
        )}
      </Ready>
    </section>
  );
}

const columns: readonly Column<AiKey>[] = [
  { title: "For", cell: ({ toolName }) => toolName, text: ({ toolName }) => toolName },
  {
    title: "Environment",
    cell: ({ environment }) => words(environment),
    text: ({ environment }) => environment,
  },
  { title: "Purpose", cell: ({ purpose }) => purpose, text: ({ purpose }) => purpose },
  {
    title: "State",
    cell: ({ state, reason }) => (
      <>
        <Badge kind={state}>{words(state)}</Badge>
        {reason !== null && <p className="muted small">{reason}</p>}
      </>
    ),
    text: ({ state }) => state,
  },
  {
    title: "Key",
    cell: ({ keyPrefix }) => (keyPrefix === null ? "" : <code>{keyPrefix}…</code>),
    text: ({ keyPrefix }) => keyPrefix ?? "",
  },
  {
    title: "Asked",
    cell: ({ requestedAt }) => when(requestedAt),
    text: ({ requestedAt }) => requestedAt,
  },
  {
    title: "Last used",
    cell: ({ lastUsedAt }) => when(lastUsedAt),
    text: ({ lastUsedAt }) => lastUsedAt ?? "",
  },
];
