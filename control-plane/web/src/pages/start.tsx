import type { ResultOf } from "gql.tada";
import type { ReactNode } from "react";
import { Link, Redirect } from "wouter";
import { useQuery } from "../api.ts";
import { Badge, Page, Ready } from "../parts/page.tsx";
import { useMay } from "../parts/viewer.tsx";
import { startQuery } from "../operations/start.ts";

type Live = ResultOf<typeof startQuery>;

interface Step {
  readonly title: string;
  readonly how: string;
  readonly path: string;
  readonly done: (live: Live) => boolean;
}

/** From nothing to the first metered request and the first reconciled row. */
const steps: readonly Step[] = [
  {
    title: "Make the organisation's key",
    how: "It is shown once. Devices send it with each tunnel.",
    path: "/settings/cloud-proxy",
    done: ({ cloudProxyStatus }) => cloudProxyStatus.keyId !== null,
  },
  {
    title: "Meter the first request",
    how: "Run the printed check on one machine, then roll the payload out with your MDM.",
    path: "/settings/cloud-proxy",
    done: ({ cloudProxyStatus }) => cloudProxyStatus.state === "ACTIVE",
  },
  {
    title: "See the first call",
    how: "Install the agent on a device: it reads the tools' own logs, so that tokens are exact.",
    path: "/insights/spend",
    done: ({ aiUsageCoverage }) => aiUsageCoverage.calls !== "0",
  },
  {
    title: "Connect the first bill",
    how: "A key that may read usage is enough; the last day is fetched at once to prove it.",
    path: "/settings/usage-providers",
    done: ({ usageProviders }) => usageProviders.length > 0,
  },
  {
    title: "Reconcile the first row",
    how: "Bill and observed calls are matched by themselves; what is left stands in the queue.",
    path: "/insights/reconciliation",
    done: ({ aiSpendReconciliationSummary }) =>
      aiSpendReconciliationSummary.counts.some(
        ({ status, rows }) => rows > 0 && (status === "AUTO_MATCHED" || status === "CONFIRMED"),
      ),
  },
];

const everyMs = 5000;

/** Where a new organisation begins; every step is read from what is there. */
export function Start(): ReactNode {
  const { loaded } = useQuery(startQuery, {}, everyMs);
  return (
    <Page
      title="Getting started"
      lead="Five steps from nothing to a bill that is checked. Each ticks itself."
    >
      <Ready loaded={loaded}>
        {(live) => {
          const next = steps.find(({ done }) => !done(live));
          return (
            <>
              {live.usageProviders.some(({ kind }) => kind === "DEMO") && (
                <p className="notice">
                  There is demo data here: a made-up company. <code>flowstate-control demo purge</code> takes
                  it out.
                </p>
              )}
              <ol className="steps">
                {steps.map((step) => (
                  <li key={step.title} className="card">
                    <h2>
                      <Badge kind={step.done(live) ? "confirmed" : "pending"}>
                        {step.done(live) ? "done" : "to do"}
                      </Badge>{" "}
                      {step.title}
                    </h2>
                    <p className="muted">{step.how}</p>
                    {step === next && (
                      <p>
                        <Link to={step.path}>Go there</Link>
                      </p>
                    )}
                  </li>
                ))}
              </ol>
              {next === undefined ? (
                <p>All is set up.</p>
              ) : (
                <p className="muted">
                  Only looking around? <code>flowstate-control demo seed</code> fills every page with a
                  made-up company.
                </p>
              )}
            </>
          );
        }}
      </Ready>
    </Page>
  );
}

/** The first page: what is left to set up for those who can, else what AI costs. */
export function Home(): ReactNode {
  const may = useMay("SETTINGS_INTEGRATIONS_UPDATE");
  return may ? <HomeOfAdmin /> : <Redirect to="/insights/spend" />;
}

function HomeOfAdmin(): ReactNode {
  const { loaded } = useQuery(startQuery, {});
  return (
    <Ready loaded={loaded}>
      {(live) => <Redirect to={steps.every(({ done }) => done(live)) ? "/insights/spend" : "/start"} />}
    </Ready>
  );
}
