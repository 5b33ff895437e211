import { useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { send, useQuery, type Loaded } from "../../api.ts";
import { when, words } from "../../format.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { Fact } from "../../parts/facts.tsx";
import { Badge, Ready } from "../../parts/page.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { useToast } from "../../parts/toast.tsx";
import { useMay } from "../../parts/viewer.tsx";
import {
  activatePolicy,
  discardDraft,
  policyDiffQuery,
  policyVersionQuery,
  rollBackPolicy,
  type KeptPolicy,
  type PolicyChange,
  type PolicyDiff,
} from "../../operations/policy.ts";
import { DryRun, DryRunVerdict } from "./dry-run.tsx";
import { RulesTable } from "./rules-table.tsx";

const home = "/governance/policy";

/** One version: its rules, what it changes, what it would have done, and what can become of it. */
export function Version({ version }: { readonly version: number }): ReactNode {
  const { current, reload } = useQuery(policyVersionQuery, { version });
  return (
    <Ready loaded={current}>
      {({ policyVersion, activePolicy }) =>
        policyVersion === null ? (
          <p className="notice">There is no version {version}.</p>
        ) : (
          <Kept policy={policyVersion} active={activePolicy?.version ?? null} reload={reload} />
        )
      }
    </Ready>
  );
}

interface KeptProps {
  readonly policy: KeptPolicy;
  /** The version in force. */
  readonly active: number | null;
  readonly reload: () => Promise<void>;
}

function Kept({ policy, active, reload }: KeptProps): ReactNode {
  const { version, state, summary, note, rules, document } = policy;
  // A draft stands against what it would replace now, another against what it did replace.
  const diff = useQuery(policyDiffQuery, { version, against: state === "DRAFT" ? active : null });
  return (
    <>
      <section className="card" aria-label={`Version ${version}`}>
        <h2>
          Version {version} <Badge kind={`policy-${state}`}>{words(state)}</Badge>
        </h2>
        <p>{summary}</p>
        <dl className="facts spaced">
          <Fact name="Drafted" value={`${when(policy.draftedAt)} by ${policy.draftedBy}`} />
          {policy.activatedAt !== null && (
            <Fact
              name="Activated"
              value={`${when(policy.activatedAt)} by ${policy.approver ?? "somebody"}`}
            />
          )}
          {policy.archivedAt !== null && <Fact name="Archived" value={when(policy.archivedAt)} />}
          {note !== null && <Fact name="Why" value={note} />}
        </dl>
        <Steps version={version} state={state} active={active} diff={diff.current} reload={reload} />
      </section>
      <Ready loaded={diff.current}>
        {({ policyDiff }) => <Changes version={version} diff={policyDiff} active={active} />}
      </Ready>
      <h2>Rules</h2>
      <RulesTable caption={`Rules of version ${version}`} rules={rules} />
      <TryOut version={version} />
      <details>
        <summary>The document as JSON</summary>
        <pre tabIndex={0}>{document}</pre>
      </details>
    </>
  );
}

interface StepsProps extends Pick<KeptPolicy, "version" | "state"> {
  readonly active: number | null;
  readonly diff: Loaded<{ readonly policyDiff: PolicyDiff }>;
  readonly reload: () => Promise<void>;
}

function Steps({ version, state, active, diff, reload }: StepsProps): ReactNode {
  const may = useMay("AI_POLICY_ADMIN");
  const [asking, setAsking] = useState<"activate" | "roll back" | null>(null);
  const [, go] = useLocation();
  const toast = useToast();
  const run = async (change: () => Promise<string>): Promise<void> => {
    setAsking(null);
    try {
      toast.done(await change());
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const activate = async (): Promise<string> => {
    await send(activatePolicy, { version });
    return `Version ${version} is in force.`;
  };
  const discard = async (): Promise<string> => {
    await send(discardDraft, { version });
    go(home);
    return `The draft ${version} is gone.`;
  };
  const rollBack = async (note: string): Promise<string> => {
    const made = await send(rollBackPolicy, { version, note: note === "" ? null : note });
    go(`${home}?version=${made.rollBackPolicy.version}`);
    return `Version ${made.rollBackPolicy.version} is a copy of version ${version}. Activate it to go back.`;
  };
  if (!may) return null;
  return (
    <div className="actions">
      {state === "DRAFT" && (
        <button type="button" className="primary" onClick={() => setAsking("activate")}>
          Activate …
        </button>
      )}
      {state === "ARCHIVED" && (
        <button type="button" onClick={() => setAsking("roll back")}>
          Roll back to it …
        </button>
      )}
      <Link className="button" href={`${home}?draft=${version}`}>
        New draft from it
      </Link>
      {state === "DRAFT" && (
        <button type="button" className="danger" onClick={() => void run(discard)}>
          Discard draft
        </button>
      )}
      {asking === "activate" && (
        <Dialog title={`Activate version ${version}`} onClose={() => setAsking(null)}>
          <p>
            {active === null
              ? "It is the first policy."
              : `It takes the place of version ${active}, which is archived.`}{" "}
            {diff.state === "ready" ? countOf(diff.data.policyDiff.changes) : ""} Agents and proxies take it
            up within seconds.
          </p>
          <DryRunVerdict tried={{ version }} />
          <div className="actions">
            <button type="button" className="primary" onClick={() => void run(activate)}>
              Activate version {version}
            </button>
            <button type="button" data-first onClick={() => setAsking(null)}>
              Not now
            </button>
          </div>
        </Dialog>
      )}
      {asking === "roll back" && (
        <Dialog title={`Roll back to version ${version}`} onClose={() => setAsking(null)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const note = new FormData(event.currentTarget).get("note");
              void run(() => rollBack(typeof note === "string" ? note.trim() : ""));
            }}
          >
            <p>It makes a draft with the same rules, which changes nothing until it is activated.</p>
            <label>
              <span>Why (optional)</span>
              <input name="note" data-first maxLength={2000} />
            </label>
            <button className="primary">Make the draft</button>
          </form>
        </Dialog>
      )}
    </div>
  );
}

const changeColumns: readonly Column<PolicyChange>[] = [
  {
    title: "Change",
    cell: ({ kind }) => <Badge kind={`change-${kind}`}>{words(kind)}</Badge>,
    text: ({ kind }) => kind,
  },
  { title: "Rule", cell: ({ name }) => name, text: ({ name }) => name },
  {
    title: "What",
    cell: (change) => linesOf(change).map((line) => <div key={line}>{line}</div>),
    text: (change) => linesOf(change).join("; "),
  },
];

interface ChangesProps {
  readonly version: number;
  readonly diff: PolicyDiff;
  readonly active: number | null;
}

function Changes({ version, diff: { from, changes }, active }: ChangesProps): ReactNode {
  const older =
    from === null ? "having no policy" : `version ${from}${from === active ? ", the active one" : ""}`;
  return (
    <>
      <h2>Compared with {older}</h2>
      <Table
        caption={`Changes of version ${version}`}
        columns={changeColumns}
        rows={changes}
        rowKey={({ kind, name }) => `${kind} ${name}`}
        empty="No rule differs."
      />
    </>
  );
}

function linesOf({ kind, fields, before, after }: PolicyChange): readonly string[] {
  if (kind === "CHANGED") return fields;
  const rule = after ?? before;
  return rule === null ? [] : [`${rule.condition}, else ${words(rule.action)}, for ${rule.scope}`];
}

function countOf(changes: readonly PolicyChange[]): string {
  if (changes.length === 0) return "No rule differs.";
  return changes.length === 1 ? "One rule differs." : `${changes.length} rules differ.`;
}

function TryOut({ version }: { readonly version: number }): ReactNode {
  const may = useMay("AI_POLICY_ADMIN");
  const [tried, setTried] = useState(false);
  if (!may) return null;
  if (tried) return <DryRun tried={{ version }} />;
  return (
    <p>
      <button type="button" onClick={() => setTried(true)}>
        Dry run over 30 days
      </button>
    </p>
  );
}
