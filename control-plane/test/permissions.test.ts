/** Every operation of GraphQL against every role: allowed exactly where the table says so, and nowhere by default. */
import anyTest, { type TestFn } from "ava";
import { permissions, type Permission } from "../src/access/permissions.ts";
import { roleNames, roles } from "../src/access/roles.ts";
import { schema } from "../src/serve/graphql/schema.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; keys: ReadonlyMap<string, string> }>;

/** What an operation takes: a permission, being signed in (null), or being a person, which no key is. */
type Taken = Permission | null | "a person";

/** Operation, what it takes, and a call of it that would otherwise succeed. */
const operations: readonly [name: string, taken: Taken, call: string][] = [
  ["Query.myAiUsage", "a person", "{ myAiUsage { startDate } }"],
  ["Query.myAiSessions", "a person", "{ myAiSessions { note } }"],
  ["Query.myAiProjects", "a person", "{ myAiProjects { name } }"],
  ["Mutation.noteMyAiSession", "a person", 'mutation { noteMyAiSession(id: "none") { note } }'],
  ["Mutation.markMyAiSessions", "a person", 'mutation { markMyAiSessions(ids: ["none"]) { note } }'],
  ["Query.myOpenNudges", "a person", "{ myOpenNudges }"],
  ["Query.aiStandings", "AI_INSIGHTS_VIEW", "{ aiStandings { subject } }"],
  ["Mutation.acknowledgeNudge", "a person", 'mutation { acknowledgeNudge(id: "none") { id } }'],
  ["Mutation.replyToNudge", "a person", 'mutation { replyToNudge(id: "none", text: "t") { id } }'],
  ["Query.myApplications", "a person", "{ myApplications { id } }"],
  ["Mutation.disconnectMyApplication", "a person", 'mutation { disconnectMyApplication(id: "none") }'],
  ["Query.myAiKeys", "a person", "{ myAiKeys { id } }"],
  ["Query.aiKeyTools", "a person", "{ aiKeyTools { id } }"],
  ["Query.aiKeyRequests", "SETTINGS_API_KEYS_CREATE", "{ aiKeyRequests { id } }"],
  [
    "Mutation.requestAiKey",
    "a person",
    'mutation { requestAiKey(tool: "openai-api", environment: STAGING, purpose: "p") { id } }',
  ],
  ["Mutation.revealAiKey", "a person", 'mutation { revealAiKey(id: "none") { key } }'],
  ["Mutation.revokeMyAiKey", "a person", 'mutation { revokeMyAiKey(id: "none") { id } }'],
  ["Mutation.approveAiKey", "SETTINGS_API_KEYS_CREATE", 'mutation { approveAiKey(id: "none") { id } }'],
  [
    "Mutation.refuseAiKey",
    "SETTINGS_API_KEYS_CREATE",
    'mutation { refuseAiKey(id: "none", reason: "r") { id } }',
  ],
  ["Mutation.revokeAiKey", "SETTINGS_API_KEYS_CREATE", 'mutation { revokeAiKey(id: "none") { id } }'],
  [
    "Mutation.setAiKeyApproval",
    "SETTINGS_API_KEYS_CREATE",
    'mutation { setAiKeyApproval(tool: "openai-api", requiresApproval: true) { id } }',
  ],
  ["Query.viewer", null, "{ viewer { organizationId permissions } }"],
  ["Query.cloudProxyStatus", "SETTINGS_INTEGRATIONS_VIEW", "{ cloudProxyStatus { state } }"],
  ["Query.subjectMeter", "AI_INSIGHTS_VIEW", "{ subjectMeter { subject } }"],
  ["Query.mdmPayload", "SETTINGS_INTEGRATIONS_VIEW", "{ mdmPayload(target: JAMF_PRO) { filename } }"],
  ["Query.enrolledProxies", "SETTINGS_INTEGRATIONS_VIEW", "{ enrolledProxies { keyId } }"],
  ["Query.refusedCredentials", "SETTINGS_INTEGRATIONS_VIEW", "{ refusedCredentials { reason count } }"],
  ["Query.apiKeys", "SETTINGS_API_KEYS_CREATE", "{ apiKeys { keyId } }"],
  ["Query.members", "MEMBERS_UPDATE", "{ members { email } }"],
  ["Query.oidcSettings", "MEMBERS_UPDATE", "{ oidcSettings { issuer } }"],
  [
    "Mutation.setOidcSettings",
    "MEMBERS_UPDATE",
    'mutation { setOidcSettings(issuer: "https://i.example", clientId: "c", emailDomains: ["i.example"]) { issuer } }',
  ],
  ["Mutation.removeOidcSettings", "MEMBERS_UPDATE", "mutation { removeOidcSettings }"],
  ["Query.usageProviders", "SETTINGS_INTEGRATIONS_VIEW", "{ usageProviders { id } }"],
  ["Query.usageProviderForms", "SETTINGS_INTEGRATIONS_VIEW", "{ usageProviderForms { kind } }"],
  ["Query.orgAiServices", "AI_INSIGHTS_VIEW", "{ orgAiServices { id } }"],
  ["Query.surfaceSettings", "SETTINGS_INTEGRATIONS_VIEW", "{ surfaceSettings { mcpEnabled } }"],
  ["Query.aiUsageSummary", "AI_INSIGHTS_VIEW", "{ aiUsageSummary { system } }"],
  ["Query.aiSpendByTeam", "AI_INSIGHTS_VIEW", "{ aiSpendByTeam { team } }"],
  ["Query.aiSpendByPerson", "AI_INSIGHTS_VIEW", "{ aiSpendByPerson { subject } }"],
  ["Query.aiUsageCoverage", "AI_INSIGHTS_VIEW", "{ aiUsageCoverage { calls } }"],
  ["Query.captureFormats", "AI_INSIGHTS_VIEW", "{ captureFormats { answers } }"],
  [
    "Query.aiProjectForecasts",
    "AI_INSIGHTS_VIEW",
    '{ aiProjectForecasts(organizationId: "none") { method } }',
  ],
  ["Query.aiTeamForecasts", "AI_INSIGHTS_VIEW", '{ aiTeamForecasts(organizationId: "none") { method } }'],
  [
    "Query.aiForecastMonthlySeries",
    "AI_INSIGHTS_VIEW",
    '{ aiForecastMonthlySeries(organizationId: "none") { period } }',
  ],
  ["Query.aiAttribution", "AI_INSIGHTS_VIEW", "{ aiAttribution(by: TEAM) { headcount } }"],
  ["Query.aiAttributedSessions", "AI_INSIGHTS_VIEW", "{ aiAttributedSessions { id } }"],
  ["Query.fluencyRollup", "AI_INSIGHTS_VIEW", "{ fluencyRollup(scope: { kind: ORG }) { sampleSize } }"],
  ["Query.fluencyTrend", "AI_INSIGHTS_VIEW", "{ fluencyTrend(scope: { kind: ORG }) { weekStart } }"],
  ["Query.aiForecastRun", "AI_INSIGHTS_VIEW", "{ aiForecastRun { asOf } }"],
  ["Mutation.refreshForecasts", "AI_INSIGHTS_VIEW", "mutation { refreshForecasts }"],
  ["Query.aiAgents", "AI_INSIGHTS_VIEW", "{ aiAgents { id } }"],
  ["Query.billingImports", "SETTINGS_INTEGRATIONS_VIEW", "{ billingImports { id } }"],
  ["Query.exchangeRates", "SETTINGS_INTEGRATIONS_VIEW", "{ exchangeRates { usd } }"],
  ["Query.billedNames", "SETTINGS_INTEGRATIONS_VIEW", "{ billedNames { value } }"],
  ["Query.aiSpendReconciliation", "AI_INSIGHTS_VIEW", "{ aiSpendReconciliation { id sessions { id } } }"],
  [
    "Query.aiSpendReconciliationSummary",
    "AI_INSIGHTS_VIEW",
    "{ aiSpendReconciliationSummary { billedUsd counts { rows } causes { cause } } }",
  ],
  ["Query.accountingPeriods", "AI_INSIGHTS_VIEW", "{ accountingPeriods { period } }"],
  ["Query.ledgerJournals", "AI_INSIGHTS_VIEW", '{ ledgerJournals(period: "2026-10") { id } }'],
  ["Query.aiServiceAccounts", "AI_GOVERNANCE_VIEW", "{ aiServiceAccounts { id keyPrefix } }"],
  ["Query.activePolicy", "AI_GOVERNANCE_VIEW", "{ activePolicy { version } }"],
  ["Query.policyHistory", "AI_GOVERNANCE_VIEW", "{ policyHistory { version } }"],
  ["Query.policyVersion", "AI_GOVERNANCE_VIEW", "{ policyVersion(version: 99) { version } }"],
  ["Query.policyDiff", "AI_GOVERNANCE_VIEW", "{ policyDiff(version: 99) { to } }"],
  ["Query.policyFaults", "AI_POLICY_ADMIN", '{ policyFaults(document: "{}") }'],
  ["Query.policyDryRun", "AI_POLICY_ADMIN", "{ policyDryRun(version: 99) { calls } }"],
  ["Query.behaviouralSignals", "AI_GOVERNANCE_VIEW", "{ behaviouralSignals { id } }"],
  ["Query.behaviouralSignalTypes", "AI_GOVERNANCE_VIEW", "{ behaviouralSignalTypes { type } }"],
  [
    "Mutation.resolveSignal",
    "AI_POLICY_ADMIN",
    'mutation { resolveSignal(id: "none", resolution: ACKNOWLEDGED) { id } }',
  ],
  ["Query.policyHits", "AI_GOVERNANCE_VIEW", "{ policyHits { calls } }"],
  ["Query.agents", "AI_GOVERNANCE_VIEW", "{ agents { version } }"],
  ["Query.agentReleases", "AI_GOVERNANCE_VIEW", "{ agentReleases { version } }"],
  ["Query.agentSettings", "AI_GOVERNANCE_VIEW", "{ agentSettings { enforcement } }"],
  ["Query.signalDestinations", "SETTINGS_INTEGRATIONS_VIEW", "{ signalDestinations { id waiting } }"],
  [
    "Mutation.addSignalDestination",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { addSignalDestination(name: "siem", url: "https://siem.example.com/") { destination { id } } }',
  ],
  [
    "Mutation.testSignalDestination",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { testSignalDestination(id: "none") { ok } }',
  ],
  [
    "Mutation.pauseSignalDestination",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { pauseSignalDestination(id: "none") { id } }',
  ],
  [
    "Mutation.rotateSignalSecret",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { rotateSignalSecret(id: "none") { secret } }',
  ],
  [
    "Mutation.removeSignalDestination",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { removeSignalDestination(id: "none") }',
  ],
  ["Query.auditLog", "AUDIT_VIEW", "{ auditLog { sequence } }"],
  ["Query.auditVerification", "AUDIT_VIEW", "{ auditVerification { intact } }"],
  ["Mutation.provisionOrgKey", "SETTINGS_INTEGRATIONS_UPDATE", "mutation { provisionOrgKey { keyId } }"],
  ["Mutation.setMcpEnabled", "SETTINGS_INTEGRATIONS_UPDATE", "mutation { setMcpEnabled(enabled: true) }"],
  [
    "Mutation.setReportingCurrency",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { setReportingCurrency(currency: "USD") }',
  ],
  ["Mutation.setSubjectQuota", "SETTINGS_INTEGRATIONS_UPDATE", 'mutation { setSubjectQuota(quota: "5") }'],
  ["Mutation.enrolProxy", "SETTINGS_INTEGRATIONS_UPDATE", 'mutation { enrolProxy(name: "p") { keyId } }'],
  ["Mutation.revokeProxy", "SETTINGS_INTEGRATIONS_UPDATE", 'mutation { revokeProxy(keyId: "none") }'],
  [
    "Mutation.createApiKey",
    "SETTINGS_API_KEYS_CREATE",
    'mutation { createApiKey(name: "n", permissions: [SETTINGS_API_KEYS_CREATE]) { keyId } }',
  ],
  ["Mutation.revokeApiKey", "SETTINGS_API_KEYS_CREATE", 'mutation { revokeApiKey(keyId: "none") }'],
  [
    "Mutation.inviteMember",
    "MEMBERS_UPDATE",
    'mutation { inviteMember(email: "v@example.com", role: VIEWER) { signInLink } }',
  ],
  ["Mutation.setMemberRole", "MEMBERS_UPDATE", 'mutation { setMemberRole(id: "none", role: VIEWER) { id } }'],
  [
    "Mutation.addUsageProvider",
    "SETTINGS_INTEGRATIONS_UPDATE",
    "mutation { addUsageProvider(kind: GEMINI, credentials: []) { id } }",
  ],
  [
    "Mutation.testUsageProvider",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { testUsageProvider(id: "none") { ok } }',
  ],
  [
    "Mutation.syncUsageProvider",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { syncUsageProvider(id: "none") { ok } }',
  ],
  [
    "Mutation.rotateUsageProvider",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { rotateUsageProvider(id: "none", credentials: []) { id } }',
  ],
  [
    "Mutation.setExchangeRate",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { setExchangeRate(currency: "EUR", fromDay: "2026-01-01", usd: "1.1", source: "test") }',
  ],
  [
    "Mutation.mapBilledName",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { mapBilledName(provider: OPENAI, kind: API_KEY, value: "key_1") }',
  ],
  [
    "Mutation.removeUsageProvider",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { removeUsageProvider(id: "none") }',
  ],
  [
    "Mutation.enterAiAgentCost",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { enterAiAgentCost(name: "n", period: "2026-10", amountUsd: "5") { id } }',
  ],
  [
    "Mutation.importBilling",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { importBilling(provider: GROQ, fileName: "f", csv: "Date,Amount") { lines } }',
  ],
  [
    "Mutation.revertBillingImport",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { revertBillingImport(id: "none") }',
  ],
  [
    "Mutation.actOnReconciliationRow",
    "AI_RECONCILIATION_UPDATE",
    'mutation { actOnReconciliationRow(id: "none", action: DEFER) { id } }',
  ],
  [
    "Mutation.actOnReconciliationRows",
    "AI_RECONCILIATION_UPDATE",
    'mutation { actOnReconciliationRows(ids: ["none"], action: DEFER) { id error } }',
  ],
  [
    "Mutation.reopenReconciliationRow",
    "AI_RECONCILIATION_UPDATE",
    'mutation { reopenReconciliationRow(id: "none") { id } }',
  ],
  ["Mutation.closePeriod", "AI_RECONCILIATION_UPDATE", 'mutation { closePeriod(period: "2026-01") }'],
  [
    "Mutation.reopenPeriod",
    "AI_RECONCILIATION_UPDATE",
    'mutation { reopenPeriod(period: "2026-02", reason: "a late invoice") }',
  ],
  ["Mutation.runReconciliation", "AI_RECONCILIATION_UPDATE", "mutation { runReconciliation { rows } }"],
  [
    "Mutation.createServiceAccount",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { createServiceAccount(name: "n", environment: STAGING) { account { id } } }',
  ],
  [
    "Mutation.updateServiceAccount",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { updateServiceAccount(id: "none", name: "n") { id } }',
  ],
  [
    "Mutation.rotateServiceAccountKey",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { rotateServiceAccountKey(id: "none") { account { id } } }',
  ],
  [
    "Mutation.deleteServiceAccount",
    "SETTINGS_INTEGRATIONS_UPDATE",
    'mutation { deleteServiceAccount(id: "none") }',
  ],
  [
    "Mutation.draftPolicy",
    "AI_POLICY_ADMIN",
    'mutation { draftPolicy(document: "{\\"rules\\":[]}") { version } }',
  ],
  ["Mutation.rollBackPolicy", "AI_POLICY_ADMIN", "mutation { rollBackPolicy(version: 99) { version } }"],
  ["Mutation.activatePolicy", "AI_POLICY_ADMIN", "mutation { activatePolicy(version: 99) { version } }"],
  ["Mutation.discardPolicyDraft", "AI_POLICY_ADMIN", "mutation { discardPolicyDraft(version: 99) }"],
  [
    "Mutation.setAgentSettings",
    "AI_POLICY_ADMIN",
    "mutation { setAgentSettings(enforcement: OBSERVE) { enforcement } }",
  ],
  ["Mutation.removeMember", "MEMBERS_UPDATE", 'mutation { removeMember(id: "none") }'],
];

/** What an allowed call of a thing that does not exist, or exists already, answers; anything but a refusal. */
const harmless = new Set(["FS_NOT_FOUND", "FS_CONFLICT"]);

test.before(async (t) => {
  const running = await startRunning();
  const keys = new Map<string, string>();
  for (const role of roleNames) keys.set(role, await running.apiKey(...roles[role]));
  for (const permission of permissions) keys.set(permission, await running.apiKey(permission));
  t.context = { running, keys };
});

test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

for (const [name, taken, call] of operations) {
  const permission = taken === "a person" ? null : taken;
  for (const role of roleNames) {
    const allowed =
      taken !== "a person" &&
      (permission === null || (roles[role] as readonly Permission[]).includes(permission));
    test(`${name}: a key of ${role} ${allowed ? "may" : "may not"}`, async ({ context, ...t }) => {
      const { codes } = await context.running.graphql(context.keys.get(role) ?? "", call);
      t.deepEqual(
        codes.filter((code) => !harmless.has(code)),
        allowed ? [] : ["FS_FORBIDDEN"],
      );
    });
  }
  test(`${name} takes ${taken ?? "no permission"} and no other`, async ({ context, ...t }) => {
    for (const given of permissions) {
      const { messages } = await context.running.graphql(context.keys.get(given) ?? "", call);
      const refused = messages.includes(`this needs the permission ${permission}`);
      t.is(refused, permission !== null && given !== permission, given);
    }
  });
}

test("the table names every operation that there is", (t) => {
  const roots = [schema.getQueryType(), schema.getMutationType()];
  const there = roots.flatMap((root) =>
    Object.keys(root?.getFields() ?? {}).map((field) => `${root?.name}.${field}`),
  );
  t.deepEqual(there.sort(), operations.map(([name]) => name).sort());
});

test("without a valid key nothing is answered, not even the schema", async ({ context, ...t }) => {
  for (const key of ["", "fsa_none", `${context.keys.get("owner")}x`]) {
    const { status, codes } = await context.running.graphql(key, "{ __schema { types { name } } }");
    t.is(status, 401);
    t.deepEqual(codes, ["FS_UNAUTHENTICATED"]);
  }
});

test("nobody grants more than they have", async ({ context, ...t }) => {
  const { running, keys } = context;
  const own = keys.get("SETTINGS_API_KEYS_CREATE") ?? "";
  const more = 'mutation { createApiKey(name: "n", permissions: [AUDIT_VIEW]) { keyId } }';
  t.deepEqual((await running.graphql(own, more)).codes, ["FS_FORBIDDEN"]);
  const inviter = keys.get("MEMBERS_UPDATE") ?? "";
  const owner = 'mutation { inviteMember(email: "o@example.com", role: OWNER) { signInLink } }';
  t.deepEqual((await running.graphql(inviter, owner)).codes, ["FS_FORBIDDEN"]);
});
