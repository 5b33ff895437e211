/** The stream by which a control plane tells an agent its policy: what comes by it, and how each side can end it. */
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import test from "ava";
import * as v from "valibot";
import { WebSocket } from "ws";
import { settableClock } from "@flowstate/shared/testing/clock";
import { until } from "@flowstate/shared/testing/until";
import { policyMessage, type PolicyMessage } from "@flowstate/shared/wire/agent-policy";
import { provisionOrgKey, revokeKey } from "../src/keys/provision.ts";
import { activatePolicy, draftPolicy } from "../src/policy/versions.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { newMasterKey, startRunning, type Running } from "./support/running.ts";

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

const newKey = async ({ installation, context }: Running): Promise<{ key: string; keyId: string }> =>
  installation.store.transact((db) => provisionOrgKey(db, context));

async function activate({ installation, context }: Running, ...rules: readonly object[]): Promise<void> {
  await installation.store.transact(async (db) => {
    const version = await draftPolicy(db, context, { text: JSON.stringify({ rules }), note: null });
    await activatePolicy(db, context, version);
  });
}

const noX = { name: "No X", type: "MODEL_DENYLIST", action: "BLOCK", models: ["x"] };
const cap = {
  name: "Cap",
  type: "MONTHLY_SPEND_CAP_PER_SUBJECT",
  action: "BLOCK",
  provider: "anthropic",
  capUsd: "9",
};

interface Stream extends Disposable {
  readonly socket: WebSocket;
  readonly messages: readonly PolicyMessage[];
  readonly closed: Promise<number>;
}

async function openStream(
  { address }: Running,
  authorization: string,
  { etag, answersPings = true }: { etag?: string; answersPings?: boolean } = {},
): Promise<Stream> {
  const socket = new WebSocket(`${address.replace("http", "ws")}/ingest/v1/stream`, {
    headers: { authorization, ...(etag === undefined ? {} : { "if-none-match": etag }) },
    autoPong: answersPings,
  });
  const messages: PolicyMessage[] = [];
  socket.on("message", (data: Buffer) => messages.push(v.parse(policyMessage, JSON.parse(data.toString()))));
  await once(socket, "open");
  const closed = once(socket, "close").then(([code]) => code as number);
  return { socket, messages, closed, [Symbol.dispose]: () => socket.terminate() };
}

testOnBothEngines(
  "an agent is told its policy at once, and each change of it, also from another control plane",
  async (t, opened) => {
    const shared = { store: opened.address, masterKey: newMasterKey(), orgSlug: "acme" };
    await using one = await startRunning(shared);
    await using two = await startRunning(shared);
    const { key } = await newKey(one);
    const ada = basic("ada@example.com", key);
    using near = await openStream(one, ada);
    using far = await openStream(two, ada);
    for (const { messages } of [near, far]) {
      await until("the policy", () => messages.length === 1);
      t.like(messages[0], { type: "policy", policy: { version: null, rules: [] } });
    }
    await activate(one, noX);
    for (const { messages } of [near, far]) {
      await until("the activation", () => messages.length === 2);
      t.like(messages[1], { policy: { version: 1, rules: [{ rule: { name: "No X" } }] } });
    }
  },
);

test("who names what is known is told only what is new, in the words of an answer to a question", async (t) => {
  await using running = await startRunning();
  const { key } = await newKey(running);
  const authorization = basic("ada@example.com", key);
  await activate(running, cap);
  const answer = await fetch(`${running.address}/ingest/v1/policy`, { headers: { authorization } });
  const etag = answer.headers.get("etag") ?? "";
  using stream = await openStream(running, authorization, { etag });
  using fresh = await openStream(running, authorization);
  await until("the policy of who knows nothing", () => fresh.messages.length === 1);
  t.deepEqual({ ...fresh.messages[0]?.policy, issuedAt: "" }, {
    ...((await answer.json()) as object),
    issuedAt: "",
  } as never);
  t.is(fresh.messages[0]?.etag, etag);
  t.deepEqual(stream.messages, []);
  const event = callEvent({
    seq: 1,
    occurredAt: new Date().toISOString(),
    provider: "anthropic",
    costUsd: "4",
    billing: "metered",
  });
  await fetch(`${running.address}/ingest/v1/sessions`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ source: randomUUID(), batch: randomUUID(), events: [event] }),
  });
  await until("what was spent", () => stream.messages.length === 1);
  t.is(stream.messages[0]?.policy.rules[0]?.spentUsd, "4.00");
});

test("only a device's credentials open it, and only a WebSocket is it", async (t) => {
  await using running = await startRunning();
  const { key } = await newKey(running);
  const { token } = await running.proxyToken();
  const api = await running.apiKey("AI_INSIGHTS_VIEW");
  const wrong = [
    basic("ada@example.com", ""),
    basic("", key),
    basic("ada@example.com", token),
    basic("a@b.c", api),
  ];
  for (const authorization of [...wrong, `Bearer ${key}`, "Basic !"]) {
    await t.throwsAsync(openStream(running, authorization), { message: /401/ }, authorization);
    const plain = await fetch(`${running.address}/ingest/v1/stream`, { headers: { authorization } });
    t.is(plain.status, 401);
  }
  const authorization = basic("ada@example.com", key);
  const plain = await fetch(`${running.address}/ingest/v1/stream`, { headers: { authorization } });
  t.is(plain.status, 426);
  t.is(plain.headers.get("upgrade"), "websocket");
});

test("it is pinged, and ends for a key that was revoked and for an agent that has fallen silent", async (t) => {
  const clock = settableClock();
  await using running = await startRunning({ clock });
  const { key, keyId } = await newKey(running);
  const ada = basic("ada@example.com", key);
  using talking = await openStream(running, ada);
  using silent = await openStream(running, ada, { answersPings: false });
  for (const { messages } of [talking, silent]) await until("the policy", () => messages.length === 1);
  const pinged = Promise.all([talking, silent].map(({ socket }) => once(socket, "ping")));
  clock.advance(30_000);
  await pinged;
  const again = once(talking.socket, "ping");
  // The answer to the first ping has to be there before the second is due.
  const answered = once(talking.socket, "pong");
  talking.socket.ping();
  await answered;
  clock.advance(30_000);
  t.is(await silent.closed, 1006);
  await again;
  const { store } = running.installation;
  t.true(await store.transact((db) => revokeKey(db, running.context, keyId, ["org"])));
  const pong = once(talking.socket, "pong");
  talking.socket.ping();
  await pong;
  clock.advance(30_000);
  t.is(await talking.closed, 1008);
});

test("a control plane that stops ends it without waiting for the agent", async (t) => {
  await using running = await startRunning();
  const { key } = await newKey(running);
  using stream = await openStream(running, basic("ada@example.com", key));
  await until("the policy", () => stream.messages.length === 1);
  stream.socket.pause();
  await running.controlPlane[Symbol.asyncDispose]();
  stream.socket.resume();
  t.true([1001, 1006].includes(await stream.closed));
});
