/** What a proxy meets on the wire: tokens, batches, snapshots, pushes. */
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import * as v from "valibot";
import { WebSocket } from "ws";
import { hashKey } from "@flowstate/shared/keys";
import { until } from "@flowstate/shared/testing/until";
import { hourOf } from "@flowstate/shared/time";
import { proxySnapshot, pushMessage, type PushMessage } from "@flowstate/shared/wire/push";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { permissions } from "../src/access/permissions.ts";
import { provisionOrgKey, revokeKey } from "../src/keys/provision.ts";
import { foundOrg } from "../src/orgs/orgs.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { newMasterKey, startRunning, type Running } from "./support/running.ts";

function rows({ context }: Running, count: number): readonly object[] {
  const hour = hourOf(Date.now());
  return Array.from({ length: count }, (_, seq) => ({
    seq,
    orgId: context.orgId,
    subject: "a@example.com",
    host: "api.openai.com",
    hour,
    tunnels: 1,
    failedTunnels: 0,
    requests: 0,
    estimatedRequests: 1,
    estimateMethod: "turns/v1",
    bytesUp: 1,
    bytesDown: 1,
    firstSeenAt: hour,
    lastSeenAt: hour,
  }));
}

async function sendMeter(
  { address }: Running,
  token: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${address}/ingest/v1/meter`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : new Uint8Array(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function getSnapshot({ address }: Running, token: string, etag?: string): Promise<Response> {
  return fetch(`${address}/ingest/v1/snapshot`, {
    headers: { authorization: `Bearer ${token}`, ...(etag === undefined ? {} : { "if-none-match": etag }) },
  });
}

interface Stream extends Disposable {
  readonly messages: readonly PushMessage[];
  readonly closed: Promise<number>;
}

async function openStream({ address }: Running, token: string): Promise<Stream> {
  const socket = new WebSocket(`${address.replace("http", "ws")}/ingest/v1/stream`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const messages: PushMessage[] = [];
  socket.on("message", (data: Buffer) => messages.push(v.parse(pushMessage, JSON.parse(data.toString()))));
  await once(socket, "open");
  const closed = once(socket, "close").then(([code]) => code as number);
  return { messages, closed, [Symbol.dispose]: () => socket.terminate() };
}

test("a batch is taken as JSON or NDJSON, plain, gzip or zstd, and counts once in whatever form it comes", async (t) => {
  await using running = await startRunning();
  const { token } = await running.proxyToken();
  const envelope = { source: randomUUID(), batch: randomUUID() };
  const json = JSON.stringify({ ...envelope, rows: rows(running, 3) });
  const lines = [envelope, ...rows(running, 4)].map((line) => JSON.stringify(line)).join("\n");
  t.deepEqual((await sendMeter(running, token, json)).body, { accepted: 3, duplicates: 0, rejected: [] });
  const again: readonly [body: string | Buffer, headers: Record<string, string>][] = [
    [json, {}],
    [gzipSync(json), { "content-encoding": "gzip" }],
    [zstdCompressSync(json), { "content-encoding": "zstd" }],
  ];
  for (const [body, headers] of again) {
    t.like((await sendMeter(running, token, body, headers)).body, { accepted: 0, duplicates: 3 });
  }
  const ndjson = await sendMeter(running, token, lines, { "content-type": "application/x-ndjson" });
  t.like(ndjson.body, { accepted: 1, duplicates: 3 });
  const metrics = await (await fetch(`${running.address}/metrics`)).text();
  t.true(metrics.includes('flowstate_meter_rows_total{outcome="accepted"} 4\n'));
  t.true(metrics.includes('flowstate_meter_rows_total{outcome="duplicate"} 12\n'));
  const key = await running.apiKey("AI_INSIGHTS_VIEW");
  const { data } = await running.graphql(
    key,
    "{ subjectMeter { subject tunnels requests estimatedRequests hosts } }",
  );
  t.deepEqual(data["subjectMeter"], [
    {
      subject: "a@example.com",
      tunnels: "4",
      requests: "4",
      estimatedRequests: "4",
      hosts: ["api.openai.com"],
    },
  ]);
});

test("what is no batch is refused with one sentence and a code", async (t) => {
  await using running = await startRunning();
  const { token } = await running.proxyToken();
  const cases: readonly [
    body: string | Buffer,
    headers: Record<string, string>,
    status: number,
    code: string,
  ][] = [
    ["{", {}, 400, "FS_INPUT_INVALID"],
    ["{}", {}, 400, "FS_INPUT_INVALID"],
    ["x", { "content-encoding": "gzip" }, 400, "FS_INPUT_INVALID"],
    ["x", { "content-encoding": "br" }, 400, "FS_INPUT_INVALID"],
    [gzipSync(Buffer.alloc((32 << 20) + 1)), { "content-encoding": "gzip" }, 413, "FS_TOO_LARGE"],
    [Buffer.alloc((4 << 20) + 1), {}, 413, "FS_TOO_LARGE"],
  ];
  for (const [body, headers, status, code] of cases) {
    const answer = await sendMeter(running, token, body, headers);
    t.like(answer, { status, body: { code, status } });
  }
});

test("only an enrolment token opens ingest, and only an API key opens GraphQL", async (t) => {
  await using running = await startRunning();
  const { token, keyId } = await running.proxyToken();
  const api = await running.apiKey(...permissions);
  const { key: orgKey } = await running.installation.store.transact((db) =>
    provisionOrgKey(db, running.context),
  );
  for (const wrong of ["", "fsp_x", api, orgKey]) {
    t.is((await getSnapshot(running, wrong)).status, 401);
    t.is((await sendMeter(running, wrong, "{}")).status, 401);
  }
  for (const wrong of [token, orgKey])
    t.is((await running.graphql(wrong, "{ viewer { keyId } }")).status, 401);
  t.is((await getSnapshot(running, token)).status, 200);
  const { store } = running.installation;
  t.true(await store.transact((db) => revokeKey(db, running.context, keyId, ["enrolment"])));
  await until(
    "the token to be refused",
    async () => (await getSnapshot(running, token)).status === 401,
    5000,
  );
  await t.throwsAsync(openStream(running, token), { message: /401/ });
});

test("a proxy gets the keys of its own organisation alone, and 304 while nothing changes", async (t) => {
  await using running = await startRunning();
  const { store } = running.installation;
  const { token } = await running.proxyToken();
  const orgId = await store.transact((db) => foundOrg(db, { slug: "other", actor: "t", now: 1 }));
  await store.transact((db) => provisionOrgKey(db, { ...running.context, orgId }));
  const { key, keyId } = await store.transact((db) => provisionOrgKey(db, running.context));
  const answer = await getSnapshot(running, token);
  const etag = answer.headers.get("etag") ?? "";
  const snapshot = v.parse(proxySnapshot, await answer.json());
  t.is(etag, `"${snapshot.revision}"`);
  t.deepEqual(snapshot.keys, [
    {
      orgId: running.context.orgId,
      keyId,
      kind: "org",
      hash: hashKey(key, Buffer.from(snapshot.pepper, "base64")),
      subject: null,
    },
  ]);
  t.deepEqual(
    snapshot.orgs.map((org) => org.orgId),
    [running.context.orgId],
  );
  t.is((await getSnapshot(running, token, etag)).status, 304);
  await store.transact((db) => provisionOrgKey(db, running.context));
  t.is((await getSnapshot(running, token, etag)).status, 200);
});

test("another path is no stream", async (t) => {
  await using running = await startRunning();
  const socket = new WebSocket(`${running.address.replace("http", "ws")}/elsewhere`);
  const [error] = (await once(socket, "error")) as [Error];
  t.regex(error.message, /404/);
});

testOnBothEngines(
  "rotation reaches every proxy, also of another control plane: revoked first, then the snapshot",
  async (t, opened) => {
    const shared = { store: opened.address, masterKey: newMasterKey(), orgSlug: "acme" };
    await using one = await startRunning(shared);
    await using two = await startRunning(shared);
    const { token, keyId: tokenId } = await one.proxyToken();
    const rotate = async () => {
      const key = await one.apiKey("SETTINGS_INTEGRATIONS_UPDATE");
      const { data } = await one.graphql(key, "mutation { provisionOrgKey { keyId } }");
      return (data["provisionOrgKey"] as { keyId: string }).keyId;
    };
    const first = await rotate();
    using near = await openStream(one, token);
    using far = await openStream(two, token);
    for (const { messages } of [near, far]) {
      await until("the first snapshot", () => messages.length === 1);
      t.like(messages[0], { type: "snapshot", snapshot: { keys: [{ keyId: first }] } });
    }
    const second = await rotate();
    for (const { messages } of [near, far]) {
      await until("the news", () => messages.length >= 3, 5000);
      t.deepEqual(messages[1], { type: "revoked", keyId: first });
      t.like(messages[2], { type: "snapshot", snapshot: { keys: [{ keyId: second }] } });
    }
    await opened.store.transact((db) => revokeKey(db, one.context, tokenId, ["enrolment"]));
    t.is(await near.closed, 1008);
    t.is(await far.closed, 1008);
  },
);

test("an agent reports calls with the person's e-mail and the organisation's key, gzip and zstd accepted", async (t) => {
  await using running = await startRunning();
  const { store } = running.installation;
  const { key } = await store.transact((db) => provisionOrgKey(db, running.context));
  const event = (seq: number): CallEvent =>
    callEvent({ seq, callId: `msg_${seq}`, occurredAt: new Date().toISOString() });
  const source = randomUUID();
  const send = async (user: string, password: string, body: Buffer, encoding: string): Promise<Response> =>
    fetch(`${running.address}/ingest/v1/sessions`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
        "content-type": "application/json",
        "content-encoding": encoding,
      },
      body: new Uint8Array(body),
    });
  const batch = (...events: object[]): Buffer =>
    Buffer.from(JSON.stringify({ source, batch: randomUUID(), events }));
  const zipped = await send("Ada%40Example.com", key, gzipSync(batch(event(1))), "gzip");
  t.deepEqual(await zipped.json(), { accepted: 1, duplicates: 0, rejected: [] });
  const again = await send("ada@example.com", key, zstdCompressSync(batch(event(1), event(2))), "zstd");
  t.deepEqual(await again.json(), { accepted: 1, duplicates: 1, rejected: [] });
  t.is((await send("${USER_EMAIL}", key, batch(event(3)), "identity")).status, 401);
  t.is((await send("ada@example.com", "fsk_wrong", batch(event(3)), "identity")).status, 401);
  t.is(
    (await send("ada@example.com", await running.apiKey("AI_INSIGHTS_VIEW"), batch(event(3)), "identity"))
      .status,
    401,
  );
  t.is((await send("ada@example.com", key, Buffer.from("{"), "identity")).status, 400);
  const rows = await store.reader.selectFrom("calls").select(["call_id", "subject"]).execute();
  t.deepEqual(rows, [
    { call_id: "msg_1", subject: "ada@example.com" },
    { call_id: "msg_2", subject: "ada@example.com" },
  ]);
});
