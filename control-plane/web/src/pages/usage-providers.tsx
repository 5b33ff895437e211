import type { ResultOf } from "gql.tada";
import { useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { when, words } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Badge, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import {
  addProvider,
  providersQuery,
  removeProvider,
  syncProvider,
  testProvider,
} from "../operations/usage-providers.ts";

type Answer = ResultOf<typeof providersQuery>;
type Provider = Answer["usageProviders"][number];
type Form = Answer["usageProviderForms"][number];
type Synced = ResultOf<typeof testProvider>["testUsageProvider"];

export function UsageProviders(): ReactNode {
  const { loaded, reload } = useQuery(providersQuery, {}, 10_000);
  const [adding, setAdding] = useState(false);
  const [busy, setBusy] = useState<string | null>(null);
  const toast = useToast();
  const run = async (id: string, action: () => Promise<string>): Promise<void> => {
    setBusy(id);
    try {
      toast.done(await action());
    } catch (error) {
      toast.failed(error);
    } finally {
      setBusy(null);
      await reload();
    }
  };
  const said = ({ ok, rows, from, to, error }: Synced, what: string): string => {
    if (!ok) throw new Error(error ?? `${what} failed.`);
    return `${what}: ${rows} rows from ${from} to ${to}.`;
  };
  const columns: readonly Column<Provider>[] = [
    { title: "Name", cell: ({ name }) => name, text: ({ name }) => name },
    { title: "Kind", cell: ({ kind }) => words(kind), text: ({ kind }) => kind },
    {
      title: "State",
      cell: ({ state, lastError }) => (
        <>
          <Badge kind={state}>{words(state)}</Badge>
          {lastError !== null && <p className="notice failed">{lastError}</p>}
        </>
      ),
      text: ({ state, lastError }) => [state, lastError ?? ""].join(" ").trim(),
    },
    { title: "Last sync", cell: (row) => when(row.lastSyncAt), text: (row) => row.lastSyncAt ?? "" },
    {
      title: "Actions",
      cell: ({ id, name }) => (
        <div className="actions">
          <button
            type="button"
            disabled={busy === id}
            onClick={() =>
              void run(id, async () => said((await send(testProvider, { id })).testUsageProvider, "Test"))
            }
          >
            Test
          </button>
          <button
            type="button"
            disabled={busy === id}
            onClick={() =>
              void run(id, async () => said((await send(syncProvider, { id })).syncUsageProvider, "Sync"))
            }
          >
            Sync
          </button>
          <button
            type="button"
            className="danger"
            disabled={busy === id}
            onClick={() =>
              void run(id, async () => {
                await send(removeProvider, { id });
                return `${name} was removed; its history stays.`;
              })
            }
          >
            Remove
          </button>
        </div>
      ),
      text: () => "",
    },
  ];
  return (
    <Page
      title="Usage Providers"
      lead="Where the bills come from."
      tools={
        <button type="button" className="primary" onClick={() => setAdding(true)}>
          Add provider
        </button>
      }
    >
      <Ready loaded={loaded}>
        {({ usageProviders, usageProviderForms }) => (
          <>
            <Table
              caption="Usage providers"
              columns={columns}
              rows={usageProviders}
              rowKey={({ id }) => id}
              empty="No provider is connected yet. Add one to see what it bills."
            />
            {adding && (
              <AddProvider
                forms={usageProviderForms}
                onClose={() => setAdding(false)}
                onAdded={(name) => {
                  setAdding(false);
                  toast.done(`${name} was added.`);
                  void reload();
                }}
              />
            )}
          </>
        )}
      </Ready>
    </Page>
  );
}

function AddProvider({
  forms,
  onClose,
  onAdded,
}: {
  readonly forms: readonly Form[];
  readonly onClose: () => void;
  readonly onAdded: (name: string) => void;
}): ReactNode {
  const [kind, setKind] = useState(forms[0]?.kind);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const form = forms.find((each) => each.kind === kind);
  const submit = async (data: FormData): Promise<void> => {
    if (form === undefined) return;
    setBusy(true);
    setError(null);
    const text = (name: string): string => {
      const value = data.get(name);
      return typeof value === "string" ? value : "";
    };
    const credentials = form.fields.flatMap(({ name }) => {
      const value = text(`credential-${name}`);
      return value === "" ? [] : [{ name, value }];
    });
    const name = text("name");
    try {
      const { addUsageProvider } = await send(addProvider, {
        kind: form.kind,
        name: name === "" ? null : name,
        credentials,
      });
      onAdded(addUsageProvider.name);
    } catch (failure) {
      setError((failure as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add provider" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        <label>
          <span>Provider</span>
          <select
            value={kind}
            onChange={({ target }) => setKind(forms.find((each) => each.kind === target.value)?.kind)}
          >
            {forms.map((each) => (
              <option key={each.kind} value={each.kind}>
                {each.label}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Name (optional)</span>
          <input name="name" maxLength={100} />
        </label>
        {form?.fields.map(({ name, label, secret, required, hint, pattern }) => (
          <label key={`${kind} ${name}`}>
            <span>
              {label}
              {required ? "" : " (optional)"}
            </span>
            <input
              name={`credential-${name}`}
              type={secret ? "password" : "text"}
              autoComplete="off"
              required={required}
              {...(pattern === null ? {} : { pattern })}
            />
            {hint !== null && <small>{hint}</small>}
          </label>
        ))}
        {form?.notes.map((note) => (
          <p key={note} className="muted">
            {note}
          </p>
        ))}
        {error !== null && (
          <p className="notice failed" role="alert">
            {error}
          </p>
        )}
        <div className="actions">
          <button className="primary" disabled={busy}>
            {busy ? "Checking with the provider …" : "Add"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
