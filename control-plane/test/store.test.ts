/** The ground every capability stands on: transactions, readers, migrations and leases, alike on both engines. */
import { join } from "node:path";
import test from "ava";
import { sql } from "kysely";
import { must } from "@flowstate/shared/assert";
import { orgId as storedOrgId } from "@flowstate/shared/ids";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { raiseRevision, readRevisions } from "../src/orgs/orgs.ts";
import { backUp } from "../src/store/backup.ts";
import { jsonRows } from "../src/store/json-rows.ts";
import { leaseJob, releaseJob, scheduleJob } from "../src/store/jobs.ts";
import { migrate } from "../src/store/migrate.ts";
import { migrations } from "../src/store/migrations/index.ts";
import { isUniqueViolation, openStore } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";

testOnBothEngines("a transaction that throws leaves nothing behind", async (t, { store, orgId }) => {
  await t.throwsAsync(
    store.transact(async (db) => {
      await raiseRevision(db, orgId);
      throw new Error("no");
    }),
    { message: "no" },
  );
  t.is((await readRevisions(store.reader)).get(orgId), 1);
});

testOnBothEngines("a reader cannot write", async (t, { store, orgId }) => {
  await t.throwsAsync(sql`UPDATE orgs SET revision = 99`.execute(store.reader));
  t.is((await readRevisions(store.reader)).get(orgId), 1);
});

testOnBothEngines("64-bit integers are exact and instants are numbers", async (t, { store, orgId }) => {
  const huge = 9_007_199_254_740_993n;
  await store.transact((db) =>
    db.insertInto("quotas").values({ org_id: orgId, subject: "a@b.c", requests: huge }).execute(),
  );
  const row = await store.reader.selectFrom("quotas").select("requests").executeTakeFirstOrThrow();
  t.is(row.requests, huge);
  const { created_at } = await store.reader.selectFrom("orgs").select("created_at").executeTakeFirstOrThrow();
  t.is(typeof created_at, "number");
});

testOnBothEngines(
  "concurrent transactions from two programs all count",
  async (t, { store, address, orgId }) => {
    await using other = await openStore(address);
    const both = [store, other, store, other, store, other, store, other];
    await Promise.all(both.map((each) => each.transact((db) => raiseRevision(db, orgId))));
    t.is((await readRevisions(other.reader)).get(orgId), 1 + both.length);
  },
);

testOnBothEngines("a second row with the same key is told from other failures", async (t, { store }) => {
  const again = store.transact((db) =>
    db.insertInto("orgs").values({ org_id: "x", slug: "acme", revision: 1n, created_at: 0 }).execute(),
  );
  const error = await t.throwsAsync(again);
  t.true(isUniqueViolation(error));
  t.false(isUniqueViolation(new Error("else")));
});

testOnBothEngines("migrating again does nothing, and a newer database is refused", async (t, { store }) => {
  t.deepEqual(await migrate(store.transact, store.engine), []);
  await store.transact((db) =>
    db.insertInto("migrations").values({ number: 9999n, name: "later", applied_at: 0 }).execute(),
  );
  t.like(await t.throwsAsync(migrate(store.transact, store.engine)), { code: "FS_CONFLICT" });
});

testOnBothEngines("rows given as one parameter keep text, numbers and null", async (t, { store }) => {
  const rows = jsonRows(store.engine, { name: "text", amount: "integer" }, [
    ["a'b\"c", 9_007_199_254_740_993n],
    ["ü", null],
    ["z\0\ud800", 1n],
  ]);
  const found = await sql`SELECT * FROM ${rows} AS r ORDER BY name`.execute(store.reader);
  t.deepEqual(found.rows, [
    { name: "a'b\"c", amount: 9_007_199_254_740_993n },
    { name: "z\uFFFD\uFFFD", amount: 1n },
    { name: "ü", amount: null },
  ]);
});

testOnBothEngines(
  "a due job is leased once, and again when the lease runs out",
  async (t, { store, orgId }) => {
    const lease = (owner: string, now: number) =>
      store.transact((db) => leaseJob(db, { owner, now, leaseMs: 100 }, "sync/"));
    await store.transact((db) => scheduleJob(db, orgId, "sync/a", 1000));
    t.is(await lease("one", 999), null);
    const job = await lease("one", 1000);
    t.deepEqual(job, { orgId: storedOrgId(orgId), name: "sync/a", failures: 0 });
    t.is(await lease("two", 1050), null);
    t.truthy(await lease("two", 1100));
    if (job === null) return;
    const late = await store.transact((db) => releaseJob(db, job, "one", { dueAt: 5000, error: null }));
    t.false(late, "a lease that was lost cannot be given back");
    t.true(await store.transact((db) => releaseJob(db, job, "two", { dueAt: 2000, error: "no answer" })));
    t.is(await lease("one", 1999), null);
    t.like(await lease("one", 2000), { failures: 1 });
  },
);

test("a full disk fails one change with a reason, and the next succeeds once there is room", async (t) => {
  using folder = temporaryFolder();
  await using store = await openStore({ kind: "sqlite", file: join(folder.path, "control-plane.db") });
  const raw = must(store.sqlite, "this is SQLite");
  const add = (count: number) =>
    store.transact(async (db) => {
      for (let number = 0; number < count; number += 1) {
        const org = { org_id: `o${number}`, slug: `s${number}`, revision: 1n, created_at: 0 };
        await db.insertInto("orgs").values(org).execute();
      }
    });
  raw.pragma(`max_page_count = ${String(raw.pragma("page_count", { simple: true }))}`);
  const error = await t.throwsAsync(add(1000), { message: /the disk is full/ });
  t.like(error, { code: "FS_STORAGE" });
  raw.pragma("max_page_count = 1000000");
  await add(10);
  t.is((await readRevisions(store.reader)).size, 10);
});

testOnBothEngines(
  "a backup is a database of its own; PostgreSQL has better tools for it",
  async (t, { store, orgId }) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "copy.db");
    if (store.engine === "postgres") {
      const error = await t.throwsAsync(backUp(store, file), { message: /pg_dump/ });
      t.like(error, { code: "FS_USAGE" });
      return;
    }
    await backUp(store, file);
    await store.transact((db) => raiseRevision(db, orgId));
    await using copy = await openStore({ kind: "sqlite", file });
    t.is((await readRevisions(copy.reader)).get(orgId), 1);
  },
);

test("programs that open a new database at once all find it whole", async (t) => {
  using folder = temporaryFolder();
  const address = { kind: "sqlite", file: join(folder.path, "control-plane.db") } as const;
  const stores = await Promise.all([openStore(address), openStore(address), openStore(address)]);
  const steps = await Promise.all(
    stores.map((store) => store.reader.selectFrom("migrations").select("number").execute()),
  );
  for (const found of steps) t.is(found.length, migrations.length);
  for (const store of stores) await store[Symbol.asyncDispose]();
});
