import { useState, type ReactNode } from "react";
import { Link, Redirect, Route, Router, Switch } from "wouter";
import { useQuery } from "./api.ts";
import { Alerts } from "./pages/alerts.tsx";
import { AgentPolicy } from "./pages/agent-policy.tsx";
import { ApiKeys } from "./pages/api-keys.tsx";
import { Attribution } from "./pages/attribution.tsx";
import { Audit } from "./pages/audit.tsx";
import { CloudProxy } from "./pages/cloud-proxy.tsx";
import { Directory } from "./pages/directory.tsx";
import { Fluency } from "./pages/fluency.tsx";
import { Forecast } from "./pages/forecast.tsx";
import { Members } from "./pages/members.tsx";
import { MyAiKeys } from "./pages/my-ai-keys.tsx";
import { MyAiUsage } from "./pages/my-ai-usage.tsx";
import { MyApplications } from "./pages/my-applications.tsx";
import { Policy } from "./pages/policy.tsx";
import { Reconciliation } from "./pages/reconciliation.tsx";
import { ServiceAccounts } from "./pages/service-accounts.tsx";
import { Services } from "./pages/services.tsx";
import { Home, Start } from "./pages/start.tsx";
import { SignOn } from "./pages/sign-on.tsx";
import { Spend } from "./pages/spend.tsx";
import { Standing } from "./pages/standing.tsx";
import { TelemetryKeys } from "./pages/telemetry-keys.tsx";
import { UsageProviders } from "./pages/usage-providers.tsx";
import { OpenNudgesProvider, useOpenNudges } from "./parts/open-nudges.tsx";
import { Ready } from "./parts/page.tsx";
import { Toasts } from "./parts/toast.tsx";
import { useViewer, ViewerContext, type Viewer } from "./parts/viewer.tsx";
import { viewerQuery } from "./operations/viewer.ts";

interface Entry {
  readonly path: string;
  readonly title: string;
  /** Null for what everybody sees of themselves. */
  readonly permission: Viewer["permissions"][number] | null;
  readonly page: () => ReactNode;
}

/** The navigation: what a person may not see is not listed, and the server refuses it besides. */
const sections: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: "Insights",
    entries: [
      { path: "/insights/spend", title: "Spend", permission: "AI_INSIGHTS_VIEW", page: Spend },
      {
        path: "/insights/attribution",
        title: "Attribution",
        permission: "AI_INSIGHTS_VIEW",
        page: Attribution,
      },
      { path: "/insights/forecast", title: "Forecast", permission: "AI_INSIGHTS_VIEW", page: Forecast },
      { path: "/insights/fluency", title: "Fluency", permission: "AI_INSIGHTS_VIEW", page: Fluency },
      {
        path: "/insights/reconciliation",
        title: "Reconciliation",
        permission: "AI_INSIGHTS_VIEW",
        page: Reconciliation,
      },
    ],
  },
  {
    title: "Governance",
    entries: [
      { path: "/governance/alerts", title: "Alerts", permission: "AI_GOVERNANCE_VIEW", page: Alerts },
      {
        path: "/governance/services",
        title: "Providers inventory",
        permission: "AI_INSIGHTS_VIEW",
        page: Services,
      },
      { path: "/governance/standing", title: "Standing", permission: "AI_INSIGHTS_VIEW", page: Standing },
      { path: "/governance/policy", title: "Policy", permission: "AI_GOVERNANCE_VIEW", page: Policy },
      {
        path: "/governance/service-accounts",
        title: "Service accounts",
        permission: "AI_GOVERNANCE_VIEW",
        page: ServiceAccounts,
      },
    ],
  },
  {
    title: "Me",
    entries: [
      { path: "/me/ai-usage", title: "My AI usage", permission: null, page: MyAiUsage },
      { path: "/me/ai-keys", title: "My AI keys", permission: null, page: MyAiKeys },
      { path: "/me/applications", title: "Connected applications", permission: null, page: MyApplications },
    ],
  },
  {
    title: "Settings",
    entries: [
      {
        path: "/start",
        title: "Getting started",
        permission: "SETTINGS_INTEGRATIONS_VIEW",
        page: Start,
      },
      {
        path: "/settings/cloud-proxy",
        title: "Cloud Proxy",
        permission: "SETTINGS_INTEGRATIONS_VIEW",
        page: CloudProxy,
      },
      {
        path: "/settings/usage-providers",
        title: "Usage Providers",
        permission: "SETTINGS_INTEGRATIONS_VIEW",
        page: UsageProviders,
      },
      {
        path: "/settings/telemetry-keys",
        title: "Telemetry Keys",
        permission: "SETTINGS_API_KEYS_CREATE",
        page: TelemetryKeys,
      },
      {
        path: "/settings/agent-policy",
        title: "Agent Policy",
        permission: "AI_GOVERNANCE_VIEW",
        page: AgentPolicy,
      },
      { path: "/settings/directory", title: "Directory", permission: "AI_INSIGHTS_VIEW", page: Directory },
      { path: "/settings/members", title: "Members", permission: "MEMBERS_UPDATE", page: Members },
      { path: "/settings/sign-on", title: "Single sign-on", permission: "MEMBERS_UPDATE", page: SignOn },
      {
        path: "/settings/api-keys",
        title: "API keys",
        permission: "SETTINGS_API_KEYS_CREATE",
        page: ApiKeys,
      },
      { path: "/audit", title: "Audit", permission: "AUDIT_VIEW", page: Audit },
    ],
  },
];

export function App(): ReactNode {
  const { loaded } = useQuery(viewerQuery, {});
  return (
    <Router base="/app">
      <Toasts>
        <Ready loaded={loaded}>
          {({ viewer }) => (
            <ViewerContext value={viewer}>
              <OpenNudgesProvider>
                <Shell />
              </OpenNudgesProvider>
            </ViewerContext>
          )}
        </Ready>
      </Toasts>
    </Router>
  );
}

function Shell(): ReactNode {
  const { email, permissions } = useViewer();
  const { count: open } = useOpenNudges();
  const seen = sections
    .map((section) => ({
      ...section,
      entries: section.entries.filter(
        ({ permission }) => permission === null || permissions.includes(permission),
      ),
    }))
    .filter(({ entries }) => entries.length > 0);
  const all = seen.flatMap(({ entries }) => entries);
  const [first] = all;
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <nav aria-label="Main">
        <p className="brand">Flowstate</p>
        {seen.map(({ title, entries }) => (
          <section key={title}>
            <h2>{title}</h2>
            <ul>
              {entries.map((entry) => (
                <li key={entry.path}>
                  <Link href={entry.path} className={(active) => (active ? "active" : "")}>
                    {entry.title}
                    {entry.page === MyAiUsage && open > 0 && (
                      <>
                        {" "}
                        <span className="badge severity-warn">
                          {open}
                          <span className="hidden"> to answer</span>
                        </span>
                      </>
                    )}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
        <footer>
          <ThemeSwitch />
          <p>{email === null ? "API key" : <a href="/account">{email}</a>}</p>
          <form method="post" action="/sign-out">
            <button className="quiet">Sign out</button>
          </form>
        </footer>
      </nav>
      <main id="content">
        <Switch>
          {all.map(({ path, page: Content }) => (
            <Route key={path} path={path}>
              <Content />
            </Route>
          ))}
          {permissions.includes("AI_INSIGHTS_VIEW") && (
            <Route path="/">
              <Home />
            </Route>
          )}
          <Route>
            {first === undefined ? <p>Ask an owner for a role.</p> : <Redirect to={first.path} />}
          </Route>
        </Switch>
      </main>
    </div>
  );
}

function ThemeSwitch(): ReactNode {
  const [theme, setTheme] = useState(document.documentElement.dataset["theme"] ?? "auto");
  return (
    <label className="inline">
      <span>Theme</span>
      <select
        value={theme}
        onChange={({ target }) => {
          document.documentElement.dataset["theme"] = target.value;
          setTheme(target.value);
        }}
      >
        <option value="auto">as the system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}
