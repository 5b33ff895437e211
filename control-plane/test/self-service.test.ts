/** Keys that people ask for themselves: asked, agreed to by somebody else, shown once, revoked, and gone with the person. */
import { randomUUID } from "node:crypto";
import test from "ava";
import type { OrgId } from "@flowstate/shared/ids";
import { parseKey } from "@flowstate/shared/keys";
import { until } from "@flowstate/shared/testing/until";
import { readAudit } from "../src/audit/record.ts";
import { createEntity, deleteEntity, updateEntity } from "../src/directory/entities.ts";
import { resources } from "../src/directory/resources.ts";
import { buildSnapshot } from "../src/ingest/snapshot.ts";
import type { KeyContext } from "../src/keys/provision.ts";
import { addMember, removeMember } from "../src/members/members.ts";
import { readRevisions } from "../src/orgs/orgs.ts";
import {
  decideAiKey,
  requestAiKey,
  revealAiKey,
  revokeAiKey,
  type AiKeyWish,
} from "../src/self-service/keys.ts";
import { listAiKeys } from "../src/self-service/queries.ts";
import { setToolApproval } from "../src/self-service/tools.ts";
import type { Store } from "../src/store/open.ts";
import { asMember, type SignedIn } from "./support/as-member.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { refusal } from "./support/reconciling.ts";
import { startRunning } from "./support/running.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const pepper = Buffer.alloc(32, 7);
const ada = "ada@example.com";

const by = (orgId: OrgId, actor = ada): KeyContext => ({ orgId, actor, pepper, now });
const wish: AiKeyWish = {
  subject: ada,
  tool: "anthropic-api",
  environment: "production",
  purpose: "  nightly  summaries ",
};

const ask = (store: Store, orgId: OrgId, change: Partial<AiKeyWish> = {}) =>
  store.transact((db) => requestAiKey(db, by(orgId), { ...wish, ...change }));
const decide = (store: Store, orgId: OrgId, id: string, decider: string | null = "boss@example.com") =>
  store.transact((db) => decideAiKey(db, by(orgId, decider ?? "api-key:1"), id, { decider, approve: true }));
const reveal = (store: Store, orgId: OrgId, id: string, subject = ada) =>
  store.transact((db) => revealAiKey(db, by(orgId), subject, id));
const revoke = (store: Store, orgId: OrgId, id: string, subject: string | null = ada) =>
  store.transact((db) => revokeAiKey(db, by(orgId), id, subject));
const states = async (store: Store, orgId: OrgId) =>
  (await listAiKeys(store.reader, orgId, {})).map(({ state }) => state);
const activeKeys = async (store: Store, orgId: OrgId) =>
  (await buildSnapshot(store.reader, orgId, pepper, now)).keys.map(({ keyId, kind, subject }) => [
    keyId,
    kind,
    subject,
  ]);

testOnBothEngines("a key is asked for, agreed to, shown once and revoked", async (t, { store, orgId }) => {
  const id = await ask(store, orgId);
  t.like((await listAiKeys(store.reader, orgId, { subject: ada }))[0], {
    requestId: id,
    state: "PENDING",
    toolName: "Anthropic API",
    purpose: "nightly summaries",
    keyId: null,
    createdAt: null,
  });
  t.is(await refusal(reveal(store, orgId, id)), "FS_CONFLICT this key is PENDING, not APPROVED");
  await decide(store, orgId, id);
  const revision = async () => (await readRevisions(store.reader)).get(orgId) ?? 0;
  const before = await revision();
  const { key, keyId } = await reveal(store, orgId, id);
  t.like(parseKey(key), { ok: true, value: { kind: "personal", keyId } });
  t.true((await revision()) > before);
  t.deepEqual(await activeKeys(store, orgId), [[keyId, "personal", ada]]);
  t.like((await listAiKeys(store.reader, orgId, { requestId: id }))[0], {
    state: "ACTIVE",
    keyId,
    createdAt: now,
    decidedBy: "boss@example.com",
  });
  t.is(await refusal(reveal(store, orgId, id)), "FS_CONFLICT this key is ACTIVE, not APPROVED");
  await revoke(store, orgId, id);
  t.deepEqual(await activeKeys(store, orgId), []);
  t.is(
    await refusal(revoke(store, orgId, id)),
    "FS_CONFLICT this key is REVOKED, not PENDING or APPROVED or ACTIVE",
  );

  const audit = (await readAudit(store.reader, orgId, { newest: 50 })).toReversed();
  t.deepEqual(
    audit
      .filter(({ action }) => action.includes("key"))
      .map(({ action, actor, detail }) => `${action} ${actor} ${detail}`),
    [
      `ai_key.requested ${ada} ${ada}, production: nightly summaries`,
      `ai_key.approved boss@example.com ${ada}, production`,
      `ai_key.revealed ${ada} ${ada}, production, fsu_${keyId}…`,
      `personal_key.revoked ${ada} anthropic-api (production)`,
      `ai_key.revoked ${ada} ${ada}, production`,
    ],
  );
  t.false(audit.some(({ detail }) => detail?.includes(key.slice(-20)) === true));
});

testOnBothEngines("approval is for production, of tools that take it", async (t, { store, orgId }) => {
  await ask(store, orgId, { environment: "staging" });
  await ask(store, orgId, { environment: "development", tool: "openai-api" });
  await store.transact((db) => setToolApproval(db, by(orgId), "openai-api", false));
  await ask(store, orgId, { tool: "openai-api" });
  await ask(store, orgId);
  t.deepEqual((await states(store, orgId)).toSorted(), ["APPROVED", "APPROVED", "APPROVED", "PENDING"]);
});

testOnBothEngines("what must not be is refused and changes nothing", async (t, { store, orgId }) => {
  const id = await ask(store, orgId);
  const cases: readonly [what: string, done: () => Promise<unknown>, expected: RegExp][] = [
    [
      "a second one",
      () => ask(store, orgId),
      /^FS_CONFLICT there is a key or a request for anthropic-api in production/,
    ],
    [
      "a tool that there is not",
      () => ask(store, orgId, { tool: "nothing" }),
      /^FS_NOT_FOUND the catalogue has no tool/,
    ],
    [
      "no purpose",
      () => ask(store, orgId, { tool: "groq", purpose: " " }),
      /^FS_INPUT_INVALID purpose takes 1 to 200/,
    ],
    [
      "one's own approval",
      () => decide(store, orgId, id, ada),
      /^FS_FORBIDDEN nobody decides on a key of their own/,
    ],
    ["an approval by nobody", () => decide(store, orgId, id, null), /^FS_FORBIDDEN a person decides/],
    ["somebody else's reveal", () => reveal(store, orgId, id, "bob@example.com"), /^FS_NOT_FOUND/],
    ["somebody else's revocation", () => revoke(store, orgId, id, "bob@example.com"), /^FS_NOT_FOUND/],
    ["what there is not", () => decide(store, orgId, "none"), /^FS_NOT_FOUND/],
  ];
  for (const [what, done, expected] of cases) t.regex(await refusal(done()), expected, what);
  t.deepEqual(await states(store, orgId), ["PENDING"]);
});

testOnBothEngines("of several decisions and reveals at once, one counts", async (t, { store, orgId }) => {
  const id = await ask(store, orgId);
  const boss = "boss@example.com";
  const settled = await Promise.allSettled([
    decide(store, orgId, id),
    store.transact((db) =>
      decideAiKey(db, by(orgId, boss), id, { decider: boss, approve: false, reason: "use the shared one" }),
    ),
  ]);
  t.is(settled.filter(({ status }) => status === "fulfilled").length, 1);

  const other = await ask(store, orgId, { environment: "staging" });
  const reveals = await Promise.allSettled([1, 2, 3].map(() => reveal(store, orgId, other)));
  t.is(reveals.filter(({ status }) => status === "fulfilled").length, 1);
  t.is((await activeKeys(store, orgId)).length, 1);
});

testOnBothEngines("whoever leaves has no key any more", async (t, { store, orgId }) => {
  const staging = { environment: "staging" } as const;
  const give = async (subject: string): Promise<void> => {
    await reveal(store, orgId, await ask(store, orgId, { ...staging, subject }), subject);
    await ask(store, orgId, { subject });
  };
  const change = { orgId, actor: "admin@example.com", now };
  const people = ["removed", "inactive", "deleted"].map((name) => `${name}@example.com`);
  for (const subject of people) await give(subject);
  t.is((await activeKeys(store, orgId)).length, 3);

  const [removed = "", inactive = "", deleted = ""] = people;
  const employ = (email: string) =>
    store.transact((db) =>
      createEntity(db, change, resources.employees, { email, name: null, active: true }),
    );
  const member = await store.transact((db) => addMember(db, change, { email: removed, role: "viewer" }));
  await store.transact((db) => removeMember(db, change, member.memberId));
  const first = await employ(inactive);
  await store.transact((db) =>
    updateEntity(db, change, resources.employees, { id: first.id, version: null, values: { active: false } }),
  );
  const second = await employ(deleted);
  await store.transact((db) =>
    deleteEntity(db, change, resources.employees, { id: second.id, version: null }),
  );
  t.deepEqual(await activeKeys(store, orgId), []);
  t.deepEqual(new Set(await states(store, orgId)), new Set(["REVOKED"]));
});

const fields = "id state keyPrefix reason decidedBy lastUsedAt";

async function run(
  asking: Pick<SignedIn, "graphql">,
  call: string,
): Promise<Record<string, unknown> | string> {
  const { data, codes } = await asking.graphql(`mutation { ${call} }`);
  return codes.length > 0 ? codes.join() : (Object.values(data)[0] as Record<string, unknown>);
}

test("over GraphQL a person asks, an admin decides, and the key speaks for the person", async (t) => {
  await using running = await startRunning();
  const person = await asMember(running, "ada@example.com");
  const colleague = await asMember(running, "bob@example.com");
  const admin = await asMember(running, "boss@example.com", "admin");
  const request = (tool: string) =>
    run(person, `requestAiKey(tool: "${tool}", environment: PRODUCTION, purpose: "summaries") { ${fields} }`);

  const wished = await request("anthropic-api");
  t.like(wished, { state: "PENDING", keyPrefix: null });
  const { id } = wished as { readonly id: string };
  t.is(await run(person, `approveAiKey(id: "${id}") { id }`), "FS_FORBIDDEN");
  t.is(await run(colleague, `revealAiKey(id: "${id}") { key }`), "FS_NOT_FOUND");
  const pending = await admin.graphql("{ aiKeyRequests { id subject purpose } }");
  t.deepEqual(pending.data["aiKeyRequests"], [{ id, subject: "ada@example.com", purpose: "summaries" }]);
  t.like(await run(admin, `approveAiKey(id: "${id}") { ${fields} }`), {
    state: "APPROVED",
    decidedBy: "boss@example.com",
  });
  const revealed = await run(person, `revealAiKey(id: "${id}") { key aiKey { ${fields} } }`);
  const { key } = revealed as { readonly key: string };

  const report = async () => {
    const answer = await fetch(`${running.address}/ingest/v1/sessions`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`somebody@else.example:${key}`).toString("base64")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ source: randomUUID(), batch: randomUUID(), events: [] }),
    });
    return answer.status;
  };
  t.is(await report(), 200);
  const device = await running.installation.store.reader.selectFrom("devices").select("subject").execute();
  t.deepEqual(device, [{ subject: "ada@example.com" }]);
  const mine = await person.graphql(`{ myAiKeys { ${fields} } }`);
  const [own] = mine.data["myAiKeys"] as readonly { readonly lastUsedAt: string | null }[];
  t.like(own, { state: "ACTIVE", keyPrefix: key.slice(0, 12) });
  t.truthy(own?.lastUsedAt);
  t.deepEqual((await colleague.graphql("{ myAiKeys { id } }")).data["myAiKeys"], []);

  t.is(await run(colleague, `revokeMyAiKey(id: "${id}") { id }`), "FS_NOT_FOUND");
  t.like(await run(person, `revokeMyAiKey(id: "${id}") { state }`), { state: "REVOKED" });
  await until("the key to be refused", async () => ((await report()) === 401 ? true : null));

  const second = (await request("anthropic-api")) as { readonly id: string };
  t.is(await run(admin, `refuseAiKey(id: "${second.id}", reason: "") { id }`), "FS_INPUT_INVALID");
  t.like(await run(admin, `refuseAiKey(id: "${second.id}", reason: "use staging") { ${fields} }`), {
    state: "REJECTED",
    reason: "use staging",
  });
  t.is(await run(person, `revealAiKey(id: "${second.id}") { key }`), "FS_CONFLICT");

  const own3 = await run(admin, 'requestAiKey(tool: "groq", environment: PRODUCTION, purpose: "p") { id }');
  t.is(await run(admin, `approveAiKey(id: "${(own3 as { id: string }).id}") { id }`), "FS_FORBIDDEN");
  t.like(
    await run(admin, 'setAiKeyApproval(tool: "together", requiresApproval: false) { requiresApproval }'),
    {
      requiresApproval: false,
    },
  );
  const tools = await person.graphql("{ aiKeyTools { id requiresApproval } }");
  const listed = tools.data["aiKeyTools"] as readonly { id: string; requiresApproval: boolean }[];
  t.false(listed.find(({ id: tool }) => tool === "together")?.requiresApproval);
  t.true(listed.find(({ id: tool }) => tool === "groq")?.requiresApproval);
});
