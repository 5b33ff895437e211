/** Programs with a key of their own: made, changed, rotated, deleted, and what their key opens. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import test from "ava";
import * as v from "valibot";
import { WebSocket } from "ws";
import type { OrgId } from "@flowstate/shared/ids";
import { hashKey } from "@flowstate/shared/keys";
import type { Subject } from "@flowstate/shared/subject";
import { until } from "@flowstate/shared/testing/until";
import { hourOf } from "@flowstate/shared/time";
import { proxySnapshot, pushMessage, type PushMessage } from "@flowstate/shared/wire/push";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { readAudit } from "../src/audit/record.ts";
import { ingestMeter } from "../src/ingest/meter.ts";
import { buildSnapshot } from "../src/ingest/snapshot.ts";
import type { KeyContext } from "../src/keys/provision.ts";
import { readRevisions } from "../src/orgs/orgs.ts";
import {
  createServiceAccount,
  deleteServiceAccount,
  rotateServiceAccountKey,
  updateServiceAccount,
  type ServiceAccountFields,
} from "../src/service-accounts/accounts.ts";
import { listServiceAccounts } from "../src/service-accounts/queries.ts";
import { subjectOf } from "../src/service-accounts/subject.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { refusal } from "./support/reconciling.ts";
import { startRunning, type Running } from "./support/running.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const pepper = Buffer.alloc(32, 7);

const by = (orgId: OrgId, at = now): KeyContext => ({ orgId, actor: "admin@example.com", pepper, now: at });

const fields: ServiceAccountFields = {
  name: "Deploy bot",
  environment: "production",
  description: null,
  intendedScope: "writes release notes",
  abuseDetection: true,
};

const create = (store: Store, orgId: OrgId, change: Partial<ServiceAccountFields> = {}, at = now) =>
  store.transact((db) => createServiceAccount(db, by(orgId, at), { ...fields, ...change }));

const list = (store: Store, orgId: OrgId, includeDeleted = false) =>
  listServiceAccounts(store.reader, orgId, { includeDeleted });

const names: [name: string, taken: readonly string[], subject: string][] = [
  ["Deploy bot", [], "service-account:deploy-bot"],
  ["  Größe/2 — CI  ", [], "service-account:gro-e-2-ci"],
  ["夜間バッチ", [], "service-account:account"],
  ["Deploy bot", ["service-account:deploy-bot"], "service-account:deploy-bot-2"],
  ["bot", ["service-account:bot", "service-account:bot-2"], "service-account:bot-3"],
  ["x".repeat(100), [], `service-account:${"x".repeat(60)}`],
];
for (const [name, taken, subject] of names) {
  test(`subject of ${JSON.stringify(name)} beside ${taken.length} others -> ${subject}`, (t) => {
    t.is(subjectOf(name, new Set(taken)), subject);
  });
}

testOnBothEngines("an account is made with its key, and proxies are told", async (t, { store, orgId }) => {
  const revision = async () => (await readRevisions(store.reader)).get(orgId) ?? 0;
  const before = await revision();
  const { key, keyId } = await create(store, orgId);
  t.regex(key, /^fss_/);
  t.true((await revision()) > before);
  const [account] = await list(store, orgId);
  t.like(account, { ...fields, keyId, subject: "service-account:deploy-bot", firstSeenAt: null });
  const { keys } = await buildSnapshot(store.reader, orgId, pepper, now);
  t.deepEqual(keys, [
    {
      orgId,
      keyId,
      kind: "service_account",
      hash: hashKey(key, pepper),
      subject: "service-account:deploy-bot",
    },
  ]);
  const [entry] = await readAudit(store.reader, orgId, { newest: 1 });
  t.like(entry, {
    action: "service_account.created",
    target: "Deploy bot",
    detail: `service-account:deploy-bot, production, fss_${keyId}…`,
  });
});

testOnBothEngines("what is wrong with an account is said in one sentence", async (t, { store, orgId }) => {
  await create(store, orgId);
  const other = await create(store, orgId, { name: "Other" });
  const update = (id: string, change: Partial<ServiceAccountFields>) =>
    store.transact((db) => updateServiceAccount(db, by(orgId), id, change));
  const cases: [what: () => Promise<unknown>, said: string][] = [
    [() => create(store, orgId), 'FS_CONFLICT there is a service account named "Deploy bot" already'],
    [() => create(store, orgId, { name: " " }), "FS_INPUT_INVALID name takes 1 to 100 characters"],
    [
      () => create(store, orgId, { name: "N", description: "x".repeat(1001) }),
      "FS_INPUT_INVALID description takes up to 1000 characters",
    ],
    [
      () => update(other.accountId, { name: "Deploy bot" }),
      'FS_CONFLICT there is a service account named "Deploy bot" already',
    ],
    [() => update("none", { name: "N" }), 'FS_NOT_FOUND there is no service account "none"'],
    [
      () => store.transact((db) => rotateServiceAccountKey(db, by(orgId), "none")),
      'FS_NOT_FOUND there is no service account "none"',
    ],
  ];
  for (const [what, said] of cases) t.is(await refusal(what()), said);
  t.is((await list(store, orgId)).length, 2);
});

testOnBothEngines("an edit changes what is given and says what it changed", async (t, { store, orgId }) => {
  const { accountId } = await create(store, orgId);
  const change = { name: "Release bot", environment: "staging", intendedScope: null } as const;
  await store.transact((db) => updateServiceAccount(db, by(orgId), accountId, change));
  const [account] = await list(store, orgId);
  t.like(account, { ...change, abuseDetection: true, subject: "service-account:deploy-bot" });
  const [entry] = await readAudit(store.reader, orgId, { newest: 1 });
  t.like(entry, {
    action: "service_account.updated",
    target: "Deploy bot",
    detail: 'name "Release bot"; environment "staging"; intended scope removed',
  });
  await store.transact((db) => updateServiceAccount(db, by(orgId), accountId, change));
  const [same] = await readAudit(store.reader, orgId, { newest: 1 });
  t.is(same?.sequence, entry?.sequence, "the same again is no change");
});

testOnBothEngines(
  "a deleted account's key opens nothing, its name is free, its subject never is",
  async (t, { store, orgId }) => {
    const { accountId } = await create(store, orgId);
    const other = await create(store, orgId, { name: "Other" });
    t.is((await buildSnapshot(store.reader, orgId, pepper, now)).keys.length, 2);
    const remove = () => store.transact((db) => deleteServiceAccount(db, by(orgId, now + 1), accountId));
    t.true(await remove());
    t.false(await remove());
    const { keys } = await buildSnapshot(store.reader, orgId, pepper, now);
    t.deepEqual(
      keys.map(({ keyId }) => keyId),
      [other.keyId],
      "and no other account's",
    );
    t.deepEqual(
      (await list(store, orgId)).map(({ name }) => name),
      ["Other"],
    );
    t.like((await list(store, orgId, true))[1], { accountId, keyId: null, deletedAt: now + 1 });
    const again = await create(store, orgId, {}, now + 2);
    const all = await list(store, orgId, true);
    t.like(all[0], { accountId: again.accountId, subject: "service-account:deploy-bot-2" });
    t.is(all.at(-1)?.accountId, accountId, "deleted ones come last");
  },
);

testOnBothEngines(
  "two accounts made at once under names that look alike get two subjects",
  async (t, { store, orgId }) => {
    await Promise.all([create(store, orgId, { name: "a b" }), create(store, orgId, { name: "a-b" })]);
    const subjects = (await list(store, orgId)).map(({ subject }) => subject).sort();
    t.deepEqual(subjects, ["service-account:a-b", "service-account:a-b-2"]);
  },
);

testOnBothEngines(
  "first and last seen come from proxied traffic and from calls",
  async (t, { store, orgId }) => {
    await create(store, orgId);
    const subject = "service-account:deploy-bot";
    const hour = hourOf(now);
    const row = {
      seq: 1,
      orgId,
      subject,
      host: "api.openai.com",
      hour,
      tunnels: 1,
      failedTunnels: 0,
      requests: 0,
      estimatedRequests: 0,
      estimateMethod: null,
      bytesUp: 1,
      bytesDown: 1,
      firstSeenAt: hour + 5,
      lastSeenAt: hour + 6,
    };
    const meter = { source: randomUUID(), batch: randomUUID(), rows: [row] };
    t.like(await ingestMeter(store, { orgId, keyId: "k", now, batch: meter }), { accepted: 1 });
    t.like((await list(store, orgId))[0], { firstSeenAt: hour + 5, lastSeenAt: hour + 6 });
    const occurredAt = "2026-11-18T08:00:00.000Z";
    const batch = { source: randomUUID(), batch: randomUUID(), events: [call(occurredAt)] };
    await ingestSessions(store, { orgId, subject: subject as Subject, now, batch });
    t.like((await list(store, orgId))[0], { firstSeenAt: Date.parse(occurredAt), lastSeenAt: hour + 6 });
  },
);

function call(occurredAt: string): CallEvent {
  return callEvent({ occurredAt, provider: "openai", tool: "deploy", model: "gpt-5", capture: "otlp" });
}

async function report({ address }: Running, user: string, key: string): Promise<number> {
  const batch = { source: randomUUID(), batch: randomUUID(), events: [call(new Date().toISOString())] };
  const answer = await fetch(`${address}/ingest/v1/sessions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from(`${user}:${key}`).toString("base64")}`,
    },
    body: JSON.stringify(batch),
  });
  return answer.status;
}

test("over the wire: the key is shown once, speaks for its account, rotates, and dies with it", async (t) => {
  await using running = await startRunning();
  const key = await running.apiKey("SETTINGS_INTEGRATIONS_UPDATE", "AI_GOVERNANCE_VIEW", "AUDIT_VIEW");
  const { token } = await running.proxyToken();
  const pushed: PushMessage[] = [];
  const socket = new WebSocket(`${running.address.replace("http", "ws")}/ingest/v1/stream`, {
    headers: { authorization: `Bearer ${token}` },
  });
  socket.on("message", (data: Buffer) => pushed.push(v.parse(pushMessage, JSON.parse(data.toString()))));
  await once(socket, "open");

  const ask = async <T>(query: string, id?: string): Promise<T> => {
    const answer = await running.graphql(key, query, id === undefined ? {} : { id });
    t.deepEqual(answer.messages, []);
    return answer.data as T;
  };
  const shown = "account { id name environment keyPrefix abuseDetection deletedAt } key";
  interface Reveal {
    readonly account: { readonly id: string; readonly keyPrefix: string };
    readonly key: string;
  }
  const { createServiceAccount: made } = await ask<{ createServiceAccount: Reveal }>(
    `mutation { createServiceAccount(name: "Deploy bot", environment: PRODUCTION) { ${shown} } }`,
  );
  t.like(made.account, { name: "Deploy bot", environment: "PRODUCTION", abuseDetection: true });
  t.is(made.account.keyPrefix, made.key.slice(0, 12));
  t.is(await report(running, "anything@example.com", made.key), 200);
  const sessions = await running.installation.store.reader.selectFrom("sessions").select("subject").execute();
  t.deepEqual(sessions, [{ subject: "service-account:deploy-bot" }]);

  const { rotateServiceAccountKey: rotated } = await ask<{ rotateServiceAccountKey: Reveal }>(
    `mutation ($id: ID!) { rotateServiceAccountKey(id: $id) { ${shown} } }`,
    made.account.id,
  );
  t.not(rotated.key, made.key);
  await until("the key before to be refused", async () => (await report(running, "x", made.key)) === 401);
  t.is(await report(running, "x", rotated.key), 200);
  const keyIdOf = ({ account }: Reveal): string => account.keyPrefix.slice(4);
  await until("the proxies to be told", () =>
    pushed.some((message) => message.type === "revoked" && message.keyId === keyIdOf(made)),
  );

  const listed = await ask<object>("{ aiServiceAccounts { name keyPrefix } auditLog { detail target } }");
  t.true(JSON.stringify(listed).includes(rotated.account.keyPrefix));
  for (const secret of [made.key, rotated.key]) t.false(JSON.stringify(listed).includes(secret));

  await ask("mutation ($id: ID!) { deleteServiceAccount(id: $id) }", made.account.id);
  await until("the key to die", async () => (await report(running, "x", rotated.key)) === 401);
  await until("the proxies to be told", () =>
    pushed.some((message) => message.type === "revoked" && message.keyId === keyIdOf(rotated)),
  );
  const snapshots = pushed.flatMap((message) =>
    message.type === "snapshot" ? [v.parse(proxySnapshot, message.snapshot)] : [],
  );
  t.deepEqual(
    snapshots.map(({ keys }) => keys.length).filter((count, index, all) => count !== all[index - 1]),
    [0, 1, 0],
  );
  socket.terminate();
  t.deepEqual(await ask("{ aiServiceAccounts { name } }"), { aiServiceAccounts: [] });
  t.like(await ask("{ aiServiceAccounts(includeDeleted: true) { name keyPrefix } }"), {
    aiServiceAccounts: [{ name: "Deploy bot", keyPrefix: null }],
  });
});
