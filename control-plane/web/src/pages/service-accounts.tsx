import { useState, type ReactNode } from "react";
import { Link } from "wouter";
import { send, useQuery } from "../api.ts";
import { when, words } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Badge, CopyButton, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useAction } from "../parts/toast.tsx";
import { useMay } from "../parts/viewer.tsx";
import {
  accountsQuery,
  createAccount,
  deleteAccount,
  rotateKey,
  updateAccount,
  type Account,
} from "../operations/service-accounts.ts";

const environments = ["PRODUCTION", "STAGING", "DEVELOPMENT"] as const;
type Environment = (typeof environments)[number];

interface Revealed {
  readonly name: string;
  readonly key: string;
}

/** Programs that call AI by themselves, each with a key of its own. */
export function ServiceAccounts(): ReactNode {
  const [includeDeleted, setIncludeDeleted] = useState(false);
  const [editing, setEditing] = useState<Account | null>(null);
  const [revealed, setRevealed] = useState<Revealed | null>(null);
  const { loaded, reload } = useQuery(accountsQuery, { includeDeleted });
  const may = useMay("SETTINGS_INTEGRATIONS_UPDATE");
  const run = useAction(reload);
  const reveal = ({ key, account }: { key: string; account: { name: string } }): null => {
    setRevealed({ name: account.name, key });
    return null;
  };
  const columns = columnsFor(may, {
    edit: setEditing,
    rotate: ({ id }) => void run(async () => reveal((await send(rotateKey, { id })).rotateServiceAccountKey)),
    remove: ({ id, name }) =>
      void run(async () => {
        await send(deleteAccount, { id });
        return `${name} was deleted; its key is refused from now on.`;
      }),
  });
  return (
    <Page
      title="Service accounts"
      lead="Programs that call AI by themselves, each with a key of its own, so that no person is charged for them."
      tools={
        <label className="inline">
          <input
            type="checkbox"
            checked={includeDeleted}
            onChange={({ target }) => setIncludeDeleted(target.checked)}
          />
          <span>Show deleted</span>
        </label>
      }
    >
      {may && (
        <form
          className="card actions"
          aria-label="New service account"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            const data = new FormData(form);
            void run(async () => {
              const made = await send(createAccount, {
                name: textOf(data, "name"),
                environment: environmentOf(data),
                description: textOf(data, "description") || null,
                intendedScope: textOf(data, "intendedScope") || null,
              });
              form.reset();
              return reveal(made.createServiceAccount);
            });
          }}
        >
          <label className="inline">
            <span>Name</span>
            <input name="name" required maxLength={100} />
          </label>
          <EnvironmentSelect value="PRODUCTION" />
          <label className="inline">
            <span>What for</span>
            <input name="intendedScope" maxLength={500} />
          </label>
          <button className="primary">Make account</button>
        </form>
      )}
      {revealed !== null && (
        <Dialog title={`Key of ${revealed.name}`} onClose={() => setRevealed(null)}>
          <p className="notice">
            This is the only time that the key is shown. Put it where the program reads it.
          </p>
          <p className="secret">{revealed.key}</p>
          <div className="actions">
            <CopyButton text={revealed.key} label="Copy key" />
            <button type="button" className="primary" onClick={() => setRevealed(null)}>
              I have copied it
            </button>
          </div>
        </Dialog>
      )}
      {editing !== null && (
        <EditDialog
          account={editing}
          onClose={() => setEditing(null)}
          onSave={(data) =>
            void run(async () => {
              await send(updateAccount, {
                id: editing.id,
                environment: environmentOf(data),
                description: textOf(data, "description"),
                intendedScope: textOf(data, "intendedScope"),
                abuseDetection: data.get("abuseDetection") !== null,
              });
              setEditing(null);
              return `${editing.name} was changed.`;
            })
          }
        />
      )}
      <Ready loaded={loaded}>
        {({ aiServiceAccounts }) => (
          <Table
            caption="Service accounts"
            columns={columns}
            rows={aiServiceAccounts}
            rowKey={({ id }) => id}
            empty="There is no service account yet."
          />
        )}
      </Ready>
    </Page>
  );
}

function EditDialog({
  account,
  onClose,
  onSave,
}: {
  readonly account: Account;
  readonly onClose: () => void;
  readonly onSave: (data: FormData) => void;
}): ReactNode {
  return (
    <Dialog title={`Edit ${account.name}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSave(new FormData(event.currentTarget));
        }}
      >
        <EnvironmentSelect value={account.environment} />
        <label>
          <span>Description</span>
          <input name="description" defaultValue={account.description ?? ""} maxLength={1000} data-first />
        </label>
        <label>
          <span>What for</span>
          <input name="intendedScope" defaultValue={account.intendedScope ?? ""} maxLength={500} />
        </label>
        <label className="inline">
          <input type="checkbox" name="abuseDetection" defaultChecked={account.abuseDetection} />
          <span>Watch for abuse</span>
        </label>
        <p>
          <button className="primary">Save</button>
        </p>
      </form>
    </Dialog>
  );
}

function EnvironmentSelect({ value }: { readonly value: Environment }): ReactNode {
  return (
    <label className="inline">
      <span>Environment</span>
      <select name="environment" defaultValue={value}>
        {environments.map((each) => (
          <option key={each} value={each}>
            {words(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === "string" ? value.trim() : "";
}

function environmentOf(data: FormData): Environment {
  return environments.find((each) => each === data.get("environment")) ?? "PRODUCTION";
}

interface Actions {
  readonly edit: (account: Account) => void;
  readonly rotate: (account: Account) => void;
  readonly remove: (account: Account) => void;
}

function columnsFor(may: boolean, { edit, rotate, remove }: Actions): readonly Column<Account>[] {
  const columns: readonly Column<Account>[] = [
    {
      title: "Name",
      cell: ({ name, intendedScope }) => (
        <>
          {name}
          {intendedScope !== null && <p className="muted small">{intendedScope}</p>}
        </>
      ),
      text: ({ name }) => name,
    },
    {
      title: "Environment",
      cell: ({ environment }) => <Badge kind={environment}>{words(environment)}</Badge>,
      text: ({ environment }) => environment,
    },
    { title: "Metered as", cell: ({ subject }) => <code>{subject}</code>, text: ({ subject }) => subject },
    {
      title: "Key",
      cell: ({ keyPrefix }) => (keyPrefix === null ? "none" : <code>{keyPrefix}…</code>),
      text: ({ keyPrefix }) => keyPrefix ?? "",
    },
    {
      title: "Last seen",
      cell: ({ lastSeenAt }) => when(lastSeenAt),
      text: ({ lastSeenAt }) => lastSeenAt ?? "",
    },
    {
      title: "Signals, 30 days",
      numeric: true,
      cell: ({ signalsLast30Days: signals, subject }) =>
        signals === 0 ? (
          0
        ) : (
          <Link to={`/governance/alerts?subject=${encodeURIComponent(subject)}`}>{signals}</Link>
        ),
      text: ({ signalsLast30Days }) => String(signalsLast30Days),
    },
  ];
  const actions: Column<Account> = {
    title: "Actions",
    cell: (account) =>
      account.deletedAt === null ? (
        <div className="actions">
          <button type="button" onClick={() => edit(account)} aria-label={`Edit ${account.name}`}>
            Edit
          </button>
          <button type="button" onClick={() => rotate(account)} aria-label={`New key for ${account.name}`}>
            New key
          </button>
          <button
            type="button"
            className="danger"
            onClick={() => remove(account)}
            aria-label={`Delete ${account.name}`}
          >
            Delete
          </button>
        </div>
      ) : (
        `deleted ${when(account.deletedAt)}`
      ),
    text: ({ deletedAt }) => (deletedAt === null ? "" : `deleted ${deletedAt}`),
  };
  return may ? [...columns, actions] : columns;
}
