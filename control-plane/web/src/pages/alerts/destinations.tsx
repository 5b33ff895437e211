import { useState, type ReactNode } from "react";
import { send, useQuery } from "../../api.ts";
import { when, words } from "../../format.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { CopyButton, Ready } from "../../parts/page.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { useAction } from "../../parts/toast.tsx";
import { useMay } from "../../parts/viewer.tsx";
import {
  addDestination,
  destinationsQuery,
  pauseDestination,
  removeDestination,
  rotateSecret,
  testDestination,
  type Destination,
} from "../../operations/alerts.ts";

const formats = { JSON: "signed JSON", SLACK: "Slack", OCSF: "SIEM (OCSF)" } as const;
const severities = ["INFO", "WARN", "BLOCK"] as const;

/** Where signals are sent besides this page. */
export function Destinations(): ReactNode {
  const { loaded, reload } = useQuery(destinationsQuery, {});
  const [secret, setSecret] = useState<string | null>(null);
  const [rotating, setRotating] = useState<Destination | null>(null);
  const may = useMay("SETTINGS_INTEGRATIONS_UPDATE");
  const run = useAction(reload);
  const test = async ({ id, name }: Destination): Promise<string> => {
    const { ok, status, error } = (await send(testDestination, { id })).testSignalDestination;
    if (ok) return `${name} took a test signal.`;
    throw new Error(`${name} did not take it: ${error ?? `HTTP ${status}`}`);
  };
  const actions: Column<Destination> = {
    title: "Actions",
    cell: (row) => (
      <div className="actions">
        <button type="button" onClick={() => void run(() => test(row))} aria-label={`Test ${row.name}`}>
          Test
        </button>
        <button
          type="button"
          aria-label={`${row.pausedAt === null ? "Pause" : "Resume"} ${row.name}`}
          onClick={() =>
            void run(async () => {
              const paused = row.pausedAt === null;
              await send(pauseDestination, { id: row.id, paused });
              return paused ? `${row.name} gets nothing until it is resumed.` : `${row.name} is resumed.`;
            })
          }
        >
          {row.pausedAt === null ? "Pause" : "Resume"}
        </button>
        <button type="button" aria-label={`New secret for ${row.name}`} onClick={() => setRotating(row)}>
          New secret …
        </button>
        <button
          type="button"
          className="danger"
          aria-label={`Remove ${row.name}`}
          onClick={() =>
            void run(async () => {
              await send(removeDestination, { id: row.id });
              return `${row.name} was removed.`;
            })
          }
        >
          Remove
        </button>
      </div>
    ),
    text: () => "",
  };
  return (
    <details>
      <summary>Where signals are sent</summary>
      {may && (
        <form
          className="card actions"
          aria-label="New destination"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            const data = new FormData(form);
            const [name, url] = [data.get("name"), data.get("url")];
            if (typeof name !== "string" || typeof url !== "string") return;
            const format = data.get("format");
            const severity = data.get("severity");
            void run(async () => {
              const { addSignalDestination: added } = await send(addDestination, {
                name,
                url,
                format: format === "SLACK" || format === "OCSF" ? format : "JSON",
                minSeverity: severities.find((each) => each === severity) ?? "WARN",
              });
              form.reset();
              setSecret(added.secret);
              return `${added.destination.name} was added.`;
            });
          }}
        >
          <label className="inline">
            <span>Name</span>
            <input name="name" required maxLength={100} />
          </label>
          <label className="inline">
            <span>Address</span>
            <input name="url" type="url" required placeholder="https://" maxLength={2000} />
          </label>
          <label className="inline">
            <span>As</span>
            <select name="format">
              {Object.entries(formats).map(([key, text]) => (
                <option key={key} value={key}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <label className="inline">
            <span>From</span>
            <select name="severity" defaultValue="WARN">
              {severities.map((each) => (
                <option key={each} value={each}>
                  {words(each)}
                </option>
              ))}
            </select>
          </label>
          <button className="primary">Add destination</button>
        </form>
      )}
      {secret !== null && (
        <Dialog title="Signing secret" onClose={() => setSecret(null)}>
          <p className="notice">It is shown once. The receiver checks with it that a signal is ours.</p>
          <p className="secret">{secret}</p>
          <CopyButton text={secret} />
        </Dialog>
      )}
      {rotating !== null && (
        <Dialog title={`New secret for ${rotating.name}`} onClose={() => setRotating(null)}>
          <p>
            For 24 hours signals are signed with both, so that the receiver can be given the new one without a
            gap.
            {rotating.oldSecretUntil !== null && rotating.oldSecretUntil > new Date().toISOString()
              ? " The one before the present one stops at once."
              : ""}
          </p>
          <div className="actions">
            <button
              type="button"
              className="primary"
              data-first
              onClick={() => {
                const { id, name } = rotating;
                setRotating(null);
                void run(async () => {
                  setSecret((await send(rotateSecret, { id })).rotateSignalSecret.secret);
                  return `${name} has a new secret.`;
                });
              }}
            >
              Make a new secret
            </button>
            <button type="button" onClick={() => setRotating(null)}>
              Cancel
            </button>
          </div>
        </Dialog>
      )}
      <Ready loaded={loaded}>
        {({ signalDestinations }) => (
          <Table
            caption="Destinations"
            columns={may ? [...columns, actions] : columns}
            rows={signalDestinations}
            rowKey={({ id }) => id}
            empty="Signals are shown here alone."
          />
        )}
      </Ready>
    </details>
  );
}

const columns: readonly Column<Destination>[] = [
  {
    title: "Name",
    cell: ({ name, pausedAt }) => (
      <>
        {name}
        {pausedAt !== null && <p className="muted small">paused since {when(pausedAt)}</p>}
      </>
    ),
    text: ({ name }) => name,
  },
  { title: "Host", cell: ({ host }) => <code>{host}</code>, text: ({ host }) => host },
  { title: "As", cell: ({ format }) => formats[format], text: ({ format }) => format },
  {
    title: "From",
    cell: ({ minSeverity }) => words(minSeverity),
    text: ({ minSeverity }) => minSeverity,
  },
  { title: "Waiting", numeric: true, cell: ({ waiting }) => waiting, text: ({ waiting }) => String(waiting) },
  {
    title: "Last taken",
    cell: ({ lastDeliveredAt, lastError, oldSecretUntil }) => (
      <>
        {when(lastDeliveredAt)}
        {oldSecretUntil !== null && oldSecretUntil > new Date().toISOString() && (
          <p className="muted small">two secrets sign until {when(oldSecretUntil)}</p>
        )}
        {lastError !== null && <p className="muted small">{lastError}</p>}
      </>
    ),
    text: ({ lastDeliveredAt }) => lastDeliveredAt ?? "",
  },
];
