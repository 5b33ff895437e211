import type { ReactNode } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { useQuery } from "../api.ts";
import { count, when } from "../format.ts";
import { Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useMay } from "../parts/viewer.tsx";
import { policyQuery, type ActivePolicy, type RuleHits } from "../operations/policy.ts";
import { NewDraft } from "./policy/editor.tsx";
import { Action, RulesTable } from "./policy/rules-table.tsx";
import { Version } from "./policy/version.tsx";
import { VersionsTable } from "./policy/versions-table.tsx";
import "./policy/policy.css";

const home = "/governance/policy";
const lead = "What may be used and what it may cost: one version is in force, and every other is kept.";

/** The policy: the version in force, one of the others, or a new draft, as the address says. */
export function Policy(): ReactNode {
  const [address] = useSearchParams();
  const draft = address.get("draft");
  const version = numberOf(address.get("version"));
  if (draft !== null)
    return (
      <Below here="New draft">
        <NewDraft from={numberOf(draft)} />
      </Below>
    );
  if (version !== null)
    return (
      <Below here={`Version ${version}`}>
        <Version key={version} version={version} />
      </Below>
    );
  return <Overview />;
}

function numberOf(text: string | null): number | null {
  return text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null;
}

function Below({ here, children }: { readonly here: string; readonly children: ReactNode }): ReactNode {
  return (
    <Page title="Policy" lead={lead}>
      <nav aria-label="Breadcrumb" className="breadcrumb">
        <ol>
          <li>
            <Link href={home}>Policy</Link>
          </li>
          <li>
            <span aria-current="location">{here}</span>
          </li>
        </ol>
      </nav>
      {children}
    </Page>
  );
}

function Overview(): ReactNode {
  const { loaded } = useQuery(policyQuery, {});
  const may = useMay("AI_POLICY_ADMIN");
  const [, go] = useLocation();
  const active = loaded.state === "ready" ? loaded.data.activePolicy : null;
  return (
    <Page
      title="Policy"
      lead={lead}
      tools={
        may && (
          <button
            type="button"
            className="primary"
            onClick={() => go(`${home}?draft=${active?.version ?? "first"}`)}
          >
            New draft
          </button>
        )
      }
    >
      <Ready loaded={loaded}>
        {({ activePolicy, policyHistory, policyHits, agentSettings }) => (
          <>
            {activePolicy === null ? (
              <div className="empty">
                <p>No policy is in force: everything passes.</p>
                {may && <Link href={`${home}?draft=first`}>Draft your first policy</Link>}
              </div>
            ) : (
              <Active policy={activePolicy} enforced={agentSettings.enforcement === "ENFORCE"} />
            )}
            {policyHits.length > 0 && (
              <>
                <h2>Rules that calls on devices broke in 30 days</h2>
                <Table
                  caption="Policy hits"
                  columns={hitColumns}
                  rows={policyHits}
                  rowKey={({ version, rule }) => `${version} ${rule}`}
                  empty=""
                />
              </>
            )}
            <h2>Versions</h2>
            <VersionsTable versions={policyHistory} />
          </>
        )}
      </Ready>
    </Page>
  );
}

function Active({
  policy,
  enforced,
}: {
  readonly policy: ActivePolicy;
  readonly enforced: boolean;
}): ReactNode {
  const { version, summary, rules, activatedAt, approver } = policy;
  return (
    <>
      <section className="card" aria-label="In force">
        <h2>Version {version} is in force</h2>
        <p>{summary}</p>
        <p className="muted small">
          Activated {when(activatedAt)} by {approver ?? "somebody"}.
        </p>
        {!enforced && (
          <p className="notice">
            Devices only observe: rules are counted there and block nothing until the agents&apos; settings
            say otherwise. Proxies enforce which providers may be reached.
          </p>
        )}
      </section>
      <RulesTable caption={`Rules of version ${version}`} rules={rules} />
    </>
  );
}

const hitColumns: readonly Column<RuleHits>[] = [
  { title: "Rule", cell: ({ rule }) => rule, text: ({ rule }) => rule },
  {
    title: "Version",
    numeric: true,
    cell: ({ version }) => <Link href={`${home}?version=${version}`}>{version}</Link>,
    text: ({ version }) => String(version),
  },
  { title: "Action", cell: ({ action }) => <Action action={action} />, text: ({ action }) => action },
  { title: "Calls", numeric: true, cell: ({ calls }) => count(calls), text: ({ calls }) => calls },
  {
    title: "It took effect on",
    numeric: true,
    cell: ({ enforcedCalls }) => count(enforcedCalls),
    text: ({ enforcedCalls }) => enforcedCalls,
  },
  {
    title: "People",
    numeric: true,
    cell: ({ peopleCount }) => peopleCount,
    text: ({ peopleCount }) => String(peopleCount),
  },
  { title: "Last", cell: ({ lastAt }) => when(lastAt), text: ({ lastAt }) => lastAt },
];
