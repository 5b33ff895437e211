import test from "ava";
import { dayMs } from "@flowstate/shared/time";
import { aiHosts } from "@flowstate/shared/hosts";
import { usageProviderKinds } from "../providers/kinds.ts";
import { hostsOf, serviceOfHost, servicesOfCall } from "./recognise.ts";
import { catalogueServices } from "./services.data.ts";
import { decideCoverage, decideStanding, noFacts, type ServiceFacts } from "./state.ts";

const now = Date.UTC(2026, 10, 20);
const ago = (days: number): number => now - days * dayMs;

const standings: readonly [what: string, facts: Partial<ServiceFacts>, listed: boolean, outcome: string][] = [
  ["nothing is known", {}, true, "CATALOGUED"],
  ["traffic yesterday and a bill", { lastSeenAt: ago(1), ...billed(2) }, true, "CONNECTED"],
  ["traffic alone", { lastSeenAt: ago(1) }, true, "CONNECTED UNBILLED"],
  ["traffic 31 days ago alone", { lastSeenAt: ago(31) }, true, "DISCONNECTED UNBILLED"],
  ["traffic 30 days ago to the moment", { lastSeenAt: ago(30) }, true, "DISCONNECTED UNBILLED"],
  ["billed for 13 days, never seen", billed(13), true, "CONNECTED BILLING_ONLY"],
  ["billed for 14 days, never seen", billed(14), true, "CONNECTED MONITORING_GAP BILLING_ONLY"],
  ["billed, and silent for 13 days", { ...billed(40), lastSeenAt: ago(13) }, true, "CONNECTED"],
  [
    "billed, and silent for 14 days",
    { ...billed(40), lastSeenAt: ago(14) },
    true,
    "CONNECTED MONITORING_GAP",
  ],
  ["connected a day ago, nothing yet", { connectedAt: ago(1) }, true, "CONNECTED"],
  ["connected for 20 days, silent", { connectedAt: ago(20) }, true, "CONNECTED MONITORING_GAP"],
  ["its provider was removed", { ...billed(3), ...removed() }, true, "DISCONNECTED BILLING_ONLY"],
  [
    "its provider was removed, traffic goes on",
    { ...billed(3), ...removed(), lastSeenAt: ago(1) },
    true,
    "CONNECTED",
  ],
  ["its provider was removed before a bill came", { wasConnected: true }, true, "DISCONNECTED"],
  ["its API bills for it", { lastSeenAt: ago(1), lastBilledElsewhereAt: ago(2) }, true, "CONNECTED"],
  ["its API is billed and it is not used", { lastBilledElsewhereAt: ago(2) }, true, "CATALOGUED"],
  ["nobody listed it", { lastSeenAt: ago(1) }, false, "CONNECTED UNBILLED DISCOVERED"],
];

/** Billed daily from so many days ago until yesterday. */
function billed(days: number): Partial<ServiceFacts> {
  return { firstBilledAt: ago(days), lastBilledAt: ago(1), lastLiveBilledAt: ago(1) };
}

function removed(): Partial<ServiceFacts> {
  return { lastLiveBilledAt: null, wasConnected: true };
}

for (const [what, facts, listed, outcome] of standings) {
  test(`${what}: ${outcome}`, (t) => {
    const { state, flags } = decideStanding({ ...noFacts, ...facts }, listed, now);
    t.is([state, ...flags].join(" "), outcome);
  });
}

const seed001: readonly [id: string, name: string, vendor: string][] = [
  ["openai-api", "OpenAI API", "OpenAI"],
  ["anthropic-api", "Anthropic API", "Anthropic"],
  ["gemini-api", "Google Gemini API", "Google"],
  ["aws-bedrock", "AWS Bedrock", "Amazon"],
  ["azure-openai", "Azure OpenAI Service", "Microsoft"],
  ["together", "Together AI", "Together AI"],
  ["fireworks", "Fireworks", "Fireworks AI"],
  ["groq", "Groq", "Groq"],
  ["replicate", "Replicate", "Replicate"],
  ["fal", "fal.ai", "fal.ai"],
  ["openrouter", "OpenRouter", "OpenRouter"],
];

test("no foundation API or gateway is invisible: each is listed, recognised and connectable", (t) => {
  for (const [id, name, vendor] of seed001) {
    const row = catalogueServices.find((each) => each.id === id) ?? null;
    t.like(row, { name, vendor });
    t.deepEqual(decideCoverage(id, row), ["CATALOG_LISTED", "HOSTNAME_RECOGNISED", "BILLING_CONNECTABLE"]);
  }
  t.deepEqual(decideCoverage("somebody-elses", null), ["INVISIBLE"]);
});

test("every modality that bills can hold is listed", (t) => {
  const categories = new Set(catalogueServices.map(({ category }) => category));
  t.is(categories.size, 9);
  for (const id of ["midjourney", "openai-images", "runway", "sora", "elevenlabs", "gong", "harvey"]) {
    t.truthy(
      catalogueServices.find((row) => row.id === id),
      id,
    );
  }
});

const hosts: readonly [host: string, service: string | null][] = [
  ["api.openai.com", "openai-api"],
  ["chatgpt.com", "chatgpt"],
  ["claude.ai", "claude"],
  ["api.anthropic.com", "anthropic-api"],
  ["generativelanguage.googleapis.com", "gemini-api"],
  ["europe-west1-aiplatform.googleapis.com", "gemini-api"],
  ["cloudcode-pa.googleapis.com", "gemini-code-assist"],
  ["gemini.google.com", "gemini"],
  ["api2.cursor.sh", "cursor"],
  ["bedrock-runtime.eu-west-1.amazonaws.com", "aws-bedrock"],
  ["acme.openai.azure.com", "azure-openai"],
  ["www.midjourney.com", "midjourney"],
  ["api.mistral.ai", "mistral"],
  ["auth.openai.com", null],
  ["github.com", null],
];

for (const [host, id] of hosts) {
  test(`host ${host} shows ${id ?? "no AI service"}`, (t) => t.is(serviceOfHost(host), id));
}

const calls: readonly [provider: string, tool: string, services: readonly string[]][] = [
  ["anthropic", "claude-code", ["claude-code", "anthropic-api"]],
  ["aws-bedrock", "claude-code", ["claude-code", "aws-bedrock"]],
  ["google-vertex", "gemini-cli", ["gemini-code-assist", "gemini-api"]],
  ["cursor", "cursor", ["cursor"]],
  ["openai", "unknown", ["openai-api"]],
  ["mistral", "unknown", ["mistral"]],
];

for (const [provider, tool, services] of calls) {
  test(`a call of ${tool} to ${provider} uses ${services.join(" and ")}`, (t) =>
    t.deepEqual(servicesOfCall(provider, tool), services));
}

test("the catalogue refers only to what there is, and to nothing twice", (t) => {
  const ids = catalogueServices.map(({ id }) => id);
  t.is(new Set(ids).size, ids.length);
  const tools = catalogueServices.flatMap((row) => row.tools);
  t.is(new Set(tools).size, tools.length);
  const known = new Set(aiHosts.map(({ pattern }) => pattern));
  const patterns = catalogueServices.flatMap((row) => row.patterns);
  t.deepEqual(
    patterns.filter((pattern) => !known.has(pattern)),
    [],
  );
  t.is(new Set(patterns).size, patterns.length);
  for (const { id, provider, billedBy, connector } of catalogueServices) {
    if (provider !== null) t.true(hostsOf(id).length > 0, `${id} has no host`);
    if (billedBy !== null) t.true(ids.includes(billedBy), id);
    if (connector !== null) t.true(usageProviderKinds.includes(connector), id);
  }
});
