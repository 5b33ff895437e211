/** What prompts and answers hold, from a policy over a device and two official SDKs to signals: kinds and counts, not a word of it. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import test from "ava";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { until } from "@flowstate/shared/testing/until";
import { startCloudProxy } from "../agent/test/support/cloud-proxy.ts";
import { newPerson } from "../agent/test/support/person.ts";
import { startProvider } from "../agent/test/support/provider.ts";
import { authority } from "../agent/test/support/tls.ts";
import { provisionOrgKey } from "../control-plane/src/keys/provision.ts";
import { startRunning } from "../control-plane/test/support/running.ts";

/** Background work looks again at once, where it rests for a minute. */
const impatient: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 200), signal),
};

const said = ["It is our fin", "est HERON", " yet, gua", "ranteed."];
const whole = said.join("");

const sse = (events: readonly object[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");

const message = { type: "message", id: "msg_1", role: "assistant", model: "claude-x", content: [] };
const anthropicStream = sse([
  { type: "message_start", message: { ...message, usage: { input_tokens: 11, output_tokens: 1 } } },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  ...said.map((piece) => ({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text: piece },
  })),
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 7 } },
  { type: "message_stop" },
]).replaceAll(/data: {"type":"(\w+)"/g, "event: $1\n$&");
const openaiStream = `${sse(
  said.map((content, index) => ({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    model: "gpt-x",
    choices: [{ index: 0, delta: { content }, finish_reason: index === said.length - 1 ? "stop" : null }],
  })),
)}data: [DONE]\n\n`;

const key = ["AKIA", "ABCDEFGHIJ234567"].join("");
const pem = ["-----BEGIN", "PRIVATE KEY-----"].join(" ");
const people = Array.from({ length: 10 }, (_, index) => `person${index}@acme-corp.co.uk`).join(", ");

const rules = [
  {
    name: "Prompts",
    type: "CONTENT_DLP",
    action: "OBSERVE",
    detectors: ["secret", "email_address"],
    phrases: ["project nightingale"],
  },
  {
    name: "Brand",
    type: "CONTENT_DLP",
    action: "WARN",
    in: "answer",
    phrases: ["finest heron", "guaranteed"],
  },
  { name: "Never said", type: "CONTENT_DLP", action: "WARN", in: "answer", phrases: ["risk-free"] },
];

interface Signal {
  readonly id: string;
  readonly type: string;
  readonly category: string;
  readonly severity: string;
  readonly subject: string;
  readonly service: string;
  readonly detail: string;
}

test("prompts and answers of real calls become signals without a word of them", async (t) => {
  await using provider = await startProvider(async (request, response) => {
    await text(request);
    response.setHeader("content-type", "text/event-stream");
    response.end(request.url?.startsWith("/v1/messages") === true ? anthropicStream : openaiStream);
  });
  await using proxy = await startCloudProxy({ leadTo: provider.port });
  await using running = await startRunning({ clock: impatient });
  const { store } = running.installation;
  const admin = await running.apiKey("AI_POLICY_ADMIN", "AI_GOVERNANCE_VIEW", "AUDIT_VIEW");
  const ask = async (query: string, variables: Record<string, unknown> = {}) => {
    const { data, messages } = await running.graphql(admin, query, variables);
    if (messages.length > 0) throw new Error(messages.join("; "));
    return data;
  };
  const draft = (given: readonly object[]) =>
    ask("mutation ($d: String!) { draftPolicy(document: $d) { version } }", {
      d: JSON.stringify({ rules: given }),
    });
  await t.throwsAsync(draft([{ ...rules[1], action: "BLOCK" }]), {
    message: /action must be OBSERVE or WARN, for an answer is with the person/,
  });
  const { draftPolicy } = (await draft(rules)) as { draftPolicy: { version: number } };
  await ask("mutation ($v: Int!) { activatePolicy(version: $v) { state } }", { v: draftPolicy.version });

  const { key: orgKey } = await store.transact((db) => provisionOrgKey(db, running.context));
  const person = newPerson({
    FLOWSTATE_OTLP_KEY: orgKey,
    FLOWSTATE_CONTROL_PLANE: running.address,
    FLOWSTATE_CAPTURE: "relay,intercept",
    FLOWSTATE_CLOUD_PROXY: proxy.url.origin,
    FLOWSTATE_LOG_LEVEL: "silent",
  });
  await using machine = person;
  const trusted = join(person.home, "authority.pem");
  writeFileSync(trusted, authority.certificate);
  const { relay } = await machine.startDaemon({
    NODE_EXTRA_CA_CERTS: trusted,
    FLOWSTATE_CLOUD_PROXY_CA: trusted,
  });
  await until("the policy", async () => {
    const { stdout } = await machine.flowstate("policy", "--json");
    return (JSON.parse(stdout || "{}") as { status?: { version: number | null } }).status?.version === 1;
  });

  const call = async (sdk: string, prompt: string): Promise<string> => {
    const program = new URL("../agent/test/support/sdk-call.ts", import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, [program, sdk, "stream", prompt], {
      env: {
        PATH: process.env["PATH"],
        HOME: person.home,
        NODE_USE_ENV_PROXY: "1",
        HTTPS_PROXY: relay ?? "",
        NODE_EXTRA_CA_CERTS: join(person.home, ".flowstate/tls/ca.pem"),
      },
    });
    return stdout;
  };
  t.is(await call("anthropic", `${key} and ${pem} of Project Nightingale, by ada@acme-corp.co.uk`), whole);
  t.is(await call("openai-chat", `write to ${people}`), whole);

  const list = async (filter = "{}"): Promise<readonly Signal[]> => {
    const asked = `{ behaviouralSignals(filter: ${filter}) { id type category severity subject service detail } }`;
    return (await ask(asked))["behaviouralSignals"] as readonly Signal[];
  };
  const expected = [
    "CONTENT_SAFETY api_key_in_prompt INFO anthropic-api",
    "CONTENT_SAFETY banned_content_pattern INFO anthropic-api",
    "BRAND_USAGE brand_violation WARN anthropic-api",
    "BRAND_USAGE brand_violation WARN openai-api",
    "CONTENT_SAFETY customer_data_pattern INFO openai-api",
    "CONTENT_SAFETY pii_detected INFO anthropic-api",
    "CONTENT_SAFETY secret_detected INFO anthropic-api",
  ].sort();
  const signals = await until("the signals", async () => {
    const found = (await list()).filter(({ subject }) => subject === "ada@example.com");
    return found.length >= expected.length ? found : null;
  });
  t.deepEqual(
    signals
      .map(({ category, type, severity, service }) => [category, type, severity, service].join(" "))
      .sort(),
    expected,
  );
  const violation = signals.find(
    ({ type, service }) => type === "brand_violation" && service === "openai-api",
  );
  t.like(JSON.parse(violation?.detail ?? "{}"), {
    rule: "brand_violation/1",
    rules: ["Brand"],
    answers: 1,
    mostPhrasesInOneAnswer: 2,
  });
  const kept = JSON.stringify(
    [signals, await store.reader.selectFrom("content_findings").selectAll().execute()],
    (_, value: unknown) => (typeof value === "bigint" ? String(value) : value),
  );
  for (const word of [key, "PRIVATE KEY", "nightingale", "heron", "guaranteed", "person1@", "ada@acme"]) {
    t.false(kept.toLowerCase().includes(word.toLowerCase()), word);
  }

  const hits = async (): Promise<readonly string[]> => {
    const { policyHits } = (await ask("{ policyHits(days: 1) { rule calls enforcedCalls } }")) as {
      policyHits: readonly { rule: string; calls: string; enforcedCalls: string }[];
    };
    return policyHits.map(({ rule, calls, enforcedCalls }) => `${rule} ${calls} ${enforcedCalls}`);
  };
  const told = async (): Promise<boolean> =>
    (await hits()).toSorted().join("; ") === "Brand 2 0; Prompts 2 0";
  await until("the rules to be told as met", told);

  const resolved = await ask(
    `mutation ($id: ID!) { resolveSignal(id: $id, resolution: ACKNOWLEDGED, note: "told them") { resolution } }`,
    { id: violation?.id },
  );
  t.deepEqual(resolved, { resolveSignal: { resolution: "ACKNOWLEDGED" } });
  const open = await list('{ openOnly: true, types: ["brand_violation"] }');
  t.deepEqual(
    open.map(({ service }) => service),
    ["anthropic-api"],
  );
});
