/** The policy as a person meets it: followed, kept, enforced between a tool and a provider, and shown. */
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import * as v from "valibot";
import { until } from "@flowstate/shared/testing/until";
import { defaultAgentSettings } from "@flowstate/shared/wire/agent-policy";
import { contentEvent } from "@flowstate/shared/wire/content";
import { policyHits } from "@flowstate/shared/wire/policy-hits";
import { startCloudProxy } from "./support/cloud-proxy.ts";
import { dialThrough } from "./support/intercepting.ts";
import { newPerson, type Person } from "./support/person.ts";
import { startPolicyDesk, type FakePolicyDesk } from "./support/policy-desk.ts";
import { startProvider } from "./support/provider.ts";
import { authority, certificateFor } from "./support/tls.ts";
import { startUpstream } from "./support/upstream.ts";

const enforcing = { ...defaultAgentSettings, enforcement: "enforce" } as const;
const noOpus = {
  rule: {
    name: "No Opus",
    type: "MODEL_DENYLIST",
    action: "BLOCK",
    models: ["claude-opus-*"],
    message: "Ask it@example.com.",
  },
  spentUsd: null,
};

const noKeys = {
  rule: { name: "No keys", type: "CONTENT_DLP", action: "BLOCK", detectors: ["secret"] },
  spentUsd: null,
};

interface Shown {
  readonly policy: { readonly version: number | null } | null;
  readonly status: {
    readonly version: number | null;
    readonly problem: string | null;
    readonly notUnderstood: readonly string[];
    readonly met: readonly {
      readonly rule: string;
      readonly calls: number;
      readonly enforcedCalls: number;
    }[];
  } | null;
}

const shownBy = async (person: Person): Promise<Shown> =>
  JSON.parse((await person.flowstate("policy", "--json")).stdout) as Shown;

const shownWhen = (what: string, person: Person, holds: (shown: Shown) => boolean): Promise<Shown> =>
  until(what, async () => {
    const shown = await shownBy(person);
    return holds(shown) ? shown : null;
  });

test("a rule is enforced as soon as it is told, and given up as soon as it is gone", async (t) => {
  const answer = {
    type: "message",
    id: "msg_1",
    model: "m",
    stop_reason: "end_turn",
    content: [],
    usage: {},
  };
  await using provider = await startProvider((_, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answer));
  });
  await using proxy = await startCloudProxy({ leadTo: provider.port });
  await using desk = await startPolicyDesk();
  const person = newPerson({
    FLOWSTATE_CONTROL_PLANE: desk.url,
    FLOWSTATE_CAPTURE: "relay,intercept",
    FLOWSTATE_CLOUD_PROXY: proxy.url.origin,
    FLOWSTATE_LOG_LEVEL: "silent",
  });
  await using disposing = person;
  const trusted = join(person.home, "authority.pem");
  writeFileSync(trusted, authority.certificate);
  const { relay } = await disposing.startDaemon({
    NODE_EXTRA_CA_CERTS: trusted,
    FLOWSTATE_CLOUD_PROXY_CA: trusted,
  });
  const ca = [readFileSync(join(person.home, ".flowstate/tls/ca.pem"), "utf8")];
  const port = Number(new URL(relay ?? "").port);
  const call = async (model: string, prompt = "hello"): Promise<{ status: number; body: string }> => {
    const socket = await dialThrough(port, "api.anthropic.com", { protocols: ["http/1.1"], ca });
    const headers = { host: "api.anthropic.com", "user-agent": "claude-cli/2.0.1 (external, cli)" };
    const out = request({ createConnection: () => socket, method: "POST", path: "/v1/messages", headers });
    out.end(JSON.stringify({ model, messages: [{ role: "user", content: prompt }] }));
    const [response] = (await once(out, "response")) as [IncomingMessage];
    const body = await text(response);
    socket.destroy();
    return { status: response.statusCode ?? 0, body };
  };

  t.is((await call("claude-opus-4-5")).status, 200, "nothing is asked yet");
  desk.put({ version: 1, rules: [noOpus] });
  await shownWhen("the rule", person, ({ status }) => status?.version === 1);
  t.is((await call("claude-opus-4-5")).status, 200, "the organisation only observes");
  const observed = await shownBy(person);
  t.like(observed.status?.met, [{ rule: "No Opus", calls: 1, enforcedCalls: 0 }] as never);

  desk.put({ version: 1, rules: [noOpus], settings: enforcing });
  const refused = await until("the rule to be enforced", async () => {
    const tried = await call("claude-opus-4-5");
    return tried.status === 403 ? tried : null;
  });
  const { error } = JSON.parse(refused.body) as { error: { type: string; message: string } };
  t.deepEqual(error, {
    type: "permission_error",
    message: `Your organisation's policy does not allow this call (rule "No Opus"). Ask it@example.com.`,
  });
  t.is((await call("claude-sonnet-4-5")).status, 200);
  t.regex(
    (await person.flowstate("status")).stdout,
    /policy +version 1 with 1 rule for this person, 1 call refused/,
  );

  const hitsOf = (rule: string, enforced: boolean): number =>
    desk.reported
      .filter((event) => v.is(policyHits, event))
      .filter((hits) => hits.rule === rule && hits.enforced === enforced)
      .reduce((sum, { calls }) => sum + calls, 0);
  await until("observed calls to be told", () => hitsOf("No Opus", false) > 0);
  await until("refused calls to be told", () => hitsOf("No Opus", true) > 0);

  desk.put({ version: 2, rules: [noKeys], settings: enforcing });
  const key = ["AKIA", "ABCDEFGHIJ234567"].join("");
  const asked = `what is ${key} for?`;
  await until("the next rule", async () => (await call("claude-sonnet-4-5", asked)).status === 403);
  const report = await until("what it found", () =>
    desk.reported.find((event) => (event as { kind?: string }).kind === "content"),
  );
  const { requests, ...told } = v.parse(contentEvent, report);
  t.true(requests >= 1);
  t.like(told, {
    provider: "anthropic",
    host: "api.anthropic.com",
    tool: "claude-code",
    rule: "No keys",
    action: "BLOCK",
    enforced: true,
    found: { api_key: 1 },
  });
  t.false(JSON.stringify(desk.reported).includes(key), "not a word of it leaves the machine");
  await until("later calls to be told", () => hitsOf("No keys", true) > 0);
  t.is(hitsOf("No Opus", true), 1, "what was told once is not told again");

  desk.put({ version: 3, rules: [] });
  await until("the rule to be gone", async () => (await call("claude-opus-4-5")).status === 200);
});

const activated = async (desk: FakePolicyDesk, person: Person): Promise<void> => {
  desk.put({
    version: 4,
    rules: [
      noOpus,
      {
        rule: {
          name: "Brand",
          type: "CONTENT_DLP",
          action: "WARN",
          in: "answer",
          phrases: ["guaranteed returns"],
        },
        spentUsd: null,
      },
      { rule: { name: "Later", type: "OF_ANOTHER_DAY" }, spentUsd: null },
    ],
  });
  await shownWhen("version 4", person, ({ status }) => status?.version === 4);
};

test("the last policy holds while the control plane is away, also after a restart", async (t) => {
  await using desk = await startPolicyDesk();
  await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: desk.url, FLOWSTATE_CAPTURE: "session-logs" });
  t.is((await person.flowstate("policy")).code, 66);
  const { process: first } = await person.startDaemon();
  await activated(desk, person);
  await until("the agent to follow the stream", () => desk.streams.size === 1);
  const exited = once(first, "exit");
  first.kill("SIGKILL");
  await exited;
  const kept = await person.flowstate("policy");
  t.regex(kept.stdout, /^Policy 4, as of /);
  t.regex(kept.stdout, /BLOCK +No Opus +MODEL_DENYLIST/);
  t.regex(kept.stdout, /WARN +Brand +CONTENT_DLP in answers/);
  t.regex(kept.stdout, /No agent runs/);
  t.is(statSync(join(person.home, ".flowstate/policy.json")).mode & 0o077, 0);

  desk.status = 503;
  await person.startDaemon();
  const away = await shownWhen("the failure", person, ({ status }) => status?.problem !== null);
  t.like(away, { policy: { version: 4 }, status: { version: 4, problem: "the control plane answers 503" } });
  t.deepEqual(away.status?.notUnderstood, ["Later"], "a rule of a type to come is named and left out");
  desk.status = null;
  await shownWhen("it to be heard again", person, ({ status }) => status?.problem === null);
});

test("the stream goes through the network's own proxy, and news comes by it alone", async (t) => {
  await using desk = await startPolicyDesk({ tls: certificateFor("control.test") });
  await using upstream = await startUpstream();
  const { port } = new URL(desk.url);
  await using person = newPerson({
    FLOWSTATE_CONTROL_PLANE: `https://control.test:${port}`,
    FLOWSTATE_UPSTREAM_PROXY: upstream.address,
    FLOWSTATE_CAPTURE: "session-logs",
  });
  const trusted = join(person.home, "authority.pem");
  writeFileSync(trusted, authority.certificate);
  await person.startDaemon({ NODE_EXTRA_CA_CERTS: trusted });
  await until("the stream", () => desk.streams.size === 1);
  t.true(upstream.asked.includes(`CONNECT control.test:${port}`));
  const askedBefore = desk.asked;
  desk.put({ version: 7 });
  await shownWhen("the news", person, ({ status }) => status?.version === 7);
  t.is(desk.asked, askedBefore, "no question was asked meanwhile");
  t.is(desk.waiting, 0);
});

test("a damaged file of the last policy is as good as none", async (t) => {
  await using desk = await startPolicyDesk();
  await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: desk.url, FLOWSTATE_CAPTURE: "session-logs" });
  person.write(".flowstate/policy.json", '{"etag":"x","policy":');
  await person.startDaemon();
  const shown = await shownWhen("an answer", person, ({ policy }) => policy !== null);
  t.is(shown.policy?.version, null);
  t.true(desk.asked < 20, "it is not asked without a pause");
});
