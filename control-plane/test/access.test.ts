/** Who may come in, and the record of what they did: keys, members, sign-in attempts and the audit log on both engines. */
import { sql } from "kysely";
import { Secret } from "@flowstate/shared/secret";
import { readAudit, recordAudit } from "../src/audit/record.ts";
import { verifyAudit } from "../src/audit/verify.ts";
import { createKeyring } from "../src/keys/keyring.ts";
import { createApiKey, provisionOrgKey, revokeKey } from "../src/keys/provision.ts";
import { listKeys } from "../src/keys/queries.ts";
import { inviteMember } from "../src/login/invite.ts";
import { createSignInLink, endLogin, findLogin, spendSignInLink, startLogin } from "../src/login/logins.ts";
import { admitAttempt, forgive, type Attempt } from "../src/login/throttle.ts";
import { addMember, changeRole, listMembers, removeMember } from "../src/members/members.ts";
import { bootstrap, offerFirstLink } from "../src/login/first-start.ts";
import { listOrgs, readRevisions } from "../src/orgs/orgs.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const pepper = Buffer.alloc(32, 7);
const at = (time: number) => ({ now: () => time, sleep: async () => undefined });

testOnBothEngines(
  "provisioning from two programs at once leaves one active key",
  async (t, { store, address, orgId }) => {
    await using other = await openStore(address);
    const context = { orgId, actor: "t", pepper, now };
    const reveals = await Promise.all(
      [store, other, store, other].map((each) => each.transact((db) => provisionOrgKey(db, context))),
    );
    const keys = await listKeys(store.reader, orgId, "org");
    t.is(keys.length, 4);
    t.is(keys.filter(({ revokedAt }) => revokedAt === null).length, 1);
    t.is(new Set(reveals.map(({ revokedKeyId }) => revokedKeyId)).size, 4, "each revoked another one");
    t.is((await readRevisions(store.reader)).get(orgId), 5);
    t.deepEqual(await verifyAudit(other.reader, orgId), { intact: true, entries: 4n });
  },
);

testOnBothEngines("no key stands in the database", async (t, { store, orgId }) => {
  const context = { orgId, actor: "t", pepper, now };
  const { key } = await store.transact((db) => provisionOrgKey(db, context));
  const secret = key.split("_")[2] ?? key;
  const rows = await store.reader.selectFrom("keys").selectAll().execute();
  const log = await store.reader.selectFrom("audit_log").selectAll().execute();
  const all = JSON.stringify([rows, log], (_, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value,
  );
  t.false(all.includes(secret));
});

testOnBothEngines(
  "a key works from its making to its expiry or its revocation, and its last use is kept",
  async (t, { store, orgId }) => {
    const context = { orgId, actor: "t", pepper, now };
    const request = { name: "n", permissions: ["AUDIT_VIEW"] as const, expiresAt: now + 10_000 };
    const { key, keyId } = await store.transact((db) => createApiKey(db, context, request));
    const check = (time: number) => createKeyring(store, pepper, at(time)).check(key, "api");
    t.deepEqual(await check(now), {
      orgId,
      keyId,
      kind: "api",
      subject: null,
      permissions: new Set(["AUDIT_VIEW"]),
    });
    t.is(await createKeyring(store, pepper, at(now)).check(key, "enrolment"), null, "not for ingest");
    t.is(
      await createKeyring(store, Buffer.alloc(32), at(now)).check(key, "api"),
      null,
      "another installation",
    );
    t.is(await check(now + 10_000), null, "expired");
    t.like((await listKeys(store.reader, orgId, "api"))[0], { lastUsedAt: now });
    t.true(await store.transact((db) => revokeKey(db, context, keyId, ["api"])));
    t.false(await store.transact((db) => revokeKey(db, context, keyId, ["api"])));
    t.is(await check(now), null, "revoked");
  },
);

testOnBothEngines("a remembered answer lasts a second", async (t, { store, orgId }) => {
  const context = { orgId, actor: "t", pepper, now };
  const request = { name: "n", permissions: ["AUDIT_VIEW"] as const, expiresAt: null };
  const { key, keyId } = await store.transact((db) => createApiKey(db, context, request));
  let time = now;
  const keyring = createKeyring(store, pepper, { ...at(0), now: () => time });
  t.truthy(await keyring.check(key, "api"));
  await store.transact((db) => revokeKey(db, context, keyId, ["api"]));
  time = now + 999;
  t.truthy(await keyring.check(key, "api"));
  time = now + 1000;
  t.is(await keyring.check(key, "api"), null);
});

testOnBothEngines(
  "the audit log takes entries from many at once, in one unbroken chain",
  async (t, { store, address, orgId }) => {
    await using other = await openStore(address);
    const entry = { orgId, at: now, actor: "t", action: "quota.set" } as const;
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? store : other).transact((db) => recordAudit(db, { ...entry, detail: `${index}` })),
      ),
    );
    t.deepEqual(await verifyAudit(store.reader, orgId), { intact: true, entries: 20n });
    t.deepEqual(
      (await readAudit(store.reader, orgId, { newest: 2 })).map(({ sequence }) => sequence),
      [20n, 19n],
    );
  },
);

testOnBothEngines(
  "an audit entry cannot be changed or deleted, and cutting off the end shows",
  async (t, { store, orgId }) => {
    const entry = { orgId, at: now, actor: "t", action: "quota.set" } as const;
    for (let count = 0; count < 3; count += 1) await store.transact((db) => recordAudit(db, entry));
    for (const change of ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"]) {
      await t.throwsAsync(
        store.transact((db) => sql.raw(change).execute(db)),
        { message: /append-only/ },
      );
    }
    const disarm =
      store.engine === "sqlite"
        ? "DROP TRIGGER audit_log_no_delete"
        : "DROP TRIGGER audit_log_append_only ON audit_log";
    await store.transact(async (db) => {
      await sql.raw(disarm).execute(db);
      await sql`DELETE FROM audit_log WHERE sequence = 3`.execute(db);
    });
    t.deepEqual(await verifyAudit(store.reader, orgId), { intact: false, sequence: 3n, fault: "missing" });
  },
);

testOnBothEngines("a change that fails leaves no audit entry", async (t, { store, orgId }) => {
  await t.throwsAsync(
    store.transact(async (db) => {
      await recordAudit(db, { orgId, at: now, actor: "t", action: "quota.set" });
      throw new Error("no");
    }),
  );
  t.deepEqual(await verifyAudit(store.reader, orgId), { intact: true, entries: 0n });
});

testOnBothEngines(
  "two owners who remove each other at once leave one",
  async (t, { store, address, orgId }) => {
    await using other = await openStore(address);
    const change = { orgId, actor: "t", now };
    const [a, b] = await store.transact(async (db) => [
      await addMember(db, change, { email: "a@example.com", role: "owner" }),
      await addMember(db, change, { email: "b@example.com", role: "owner" }),
    ]);
    const outcomes = await Promise.allSettled([
      store.transact((db) => removeMember(db, change, b?.memberId ?? "")),
      other.transact((db) => changeRole(db, change, a?.memberId ?? "", "viewer")),
    ]);
    t.is(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    t.is((await listMembers(store.reader, orgId)).filter(({ role }) => role === "owner").length, 1);
  },
);

testOnBothEngines(
  "a sign-in link is spent once, also by two browsers at once",
  async (t, { store, address, orgId }) => {
    await using other = await openStore(address);
    const change = { orgId, actor: "t", now };
    const { link } = await store.transact((db) =>
      inviteMember(db, change, { email: "a@example.com", role: "viewer" }),
    );
    const spent = await Promise.all(
      [store, other, store].map((each) => each.transact((db) => spendSignInLink(db, link, now))),
    );
    t.is(spent.filter((member) => member !== null).length, 1);
  },
);

testOnBothEngines(
  "a login belongs to its cookie until it ends or its member is removed",
  async (t, { store, orgId }) => {
    const change = { orgId, actor: "t", now };
    const member = await store.transact((db) =>
      addMember(db, change, { email: "a@example.com", role: "viewer" }),
    );
    const [one, two] = await store.transact(async (db) => [
      await startLogin(db, member, "password", now),
      await startLogin(db, member, "password", now),
    ]);
    const found = async (cookie: Secret | undefined) =>
      (await findLogin(store, cookie ?? new Secret(""), now + 1))?.member.email ?? null;
    t.is(await found(one), "a@example.com");
    t.is(await found(new Secret("x".repeat(43))), null);
    await store.transact((db) => endLogin(db, one ?? new Secret(""), now));
    t.is(await found(one), null);
    t.is(await found(two), "a@example.com");
    await store.transact((db) => removeMember(db, change, member.memberId));
    t.is(await found(two), null);
  },
);

testOnBothEngines(
  "ten attempts at an e-mail and fifty from an address may fail, on whichever control plane",
  async (t, opened) => {
    const { store, address, orgId } = opened;
    await using other = await openStore(address);
    const attempt = { orgId, email: "a@example.com", address: "192.0.2.1", now };
    const admit = async (each: Store, change: Partial<Attempt> = {}): Promise<boolean> =>
      (await each.transact((db) => admitAttempt(db, { ...attempt, ...change }))).ok;
    const atOnce = await Promise.all(
      Array.from({ length: 14 }, (_, at) => admit(at % 2 === 0 ? store : other)),
    );
    t.is(atOnce.filter(Boolean).length, 10);
    t.true(await admit(store, { email: "b@example.com" }));
    await store.transact((db) => forgive(db, attempt));
    t.true(await admit(store), "the e-mail's failures are forgotten");
    for (let count = 0; count < 35; count += 1) {
      t.true(await admit(other, { email: `x${count}@example.com` }));
    }
    t.false(await admit(store, { email: "y@example.com" }), "the address's are not");
    t.true(await admit(store, { email: "y@example.com", address: "192.0.2.2" }));
    t.true(await admit(store, { email: "y@example.com", now: now + 15 * 60_000 }), "a new window");
  },
);

testOnBothEngines(
  "the way in is offered once, and not where somebody has a password",
  async (t, { store, orgId }) => {
    t.is(await offerFirstLink(store, at(now)), null, "an organisation without an owner");
    const change = { orgId, actor: "t", now };
    const owner = await store.transact((db) =>
      addMember(db, change, { email: "a@example.com", role: "owner" }),
    );
    t.truthy(await offerFirstLink(store, at(now)));
    t.is(await offerFirstLink(store, at(now)), null);
    await bootstrap(store, { email: null, password: null }, at(now));
    t.deepEqual(await listMembers(store.reader, orgId), [owner], "there is an organisation already");
    t.truthy(await store.transact((db) => createSignInLink(db, owner, now)));
  },
);

testOnBothEngines("two programs that start first make one organisation with one owner", async (t, opened) => {
  const { store, address } = opened;
  await store.transact((db) => db.deleteFrom("orgs").execute());
  await using other = await openStore(address);
  const owner = { email: "a@example.com", password: new Secret("a long enough password") };
  await Promise.all([store, other, store, other].map((each) => bootstrap(each, owner, at(now))));
  const orgs = await listOrgs(store.reader);
  t.deepEqual(
    orgs.map(({ slug }) => slug),
    ["default"],
  );
  const members = await store.reader.selectFrom("members").select(["email", "role"]).execute();
  t.deepEqual(members, [{ email: "a@example.com", role: "owner" }]);
});
