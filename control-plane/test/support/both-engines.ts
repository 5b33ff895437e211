import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { openStore, type Store, type StoreAddress } from "../../src/store/open.ts";
import { createOrg } from "../../src/orgs/orgs.ts";
import { databaseUrl, newDatabaseName, runOn, startPostgres, type Postgres } from "./postgres.ts";
import { migratedTemplate } from "./postgres-template.ts";

export interface OpenedStore {
  readonly store: Store;
  /** To open the same database once more, as another process would. */
  readonly address: StoreAddress;
  /** An organisation to work in. */
  readonly orgId: OrgId;
}

type Body = (t: ExecutionContext, opened: OpenedStore) => Promise<void>;

/** The server of the run and its template where scripts/test.ts tells of them, else ones for this file alone. */
const borrowed = {
  url: process.env["FLOWSTATE_TEST_POSTGRES_URL"],
  template: process.env["FLOWSTATE_TEST_POSTGRES_TEMPLATE"],
};
let server: Promise<Postgres | null> | null = null;
let template: Promise<string> | null = null;

/**
 * Declares a test twice: on SQLite, and on a real PostgreSQL server with a fresh database. Where the machine has no
 * PostgreSQL binaries the second one passes with a log line that says so.
 */
export function testOnBothEngines(title: string, body: Body): void {
  test(`${title} (SQLite)`, async (t) => {
    using folder = temporaryFolder();
    await runOnStore(t, { kind: "sqlite", file: join(folder.path, "control-plane.db") }, body);
  });
  test(`${title} (PostgreSQL)`, async (t) => {
    server ??= startOrBorrow();
    const running = await server;
    if (running === null) {
      t.log("not tried: no PostgreSQL binaries for this machine");
      t.pass();
      return;
    }
    template ??= findTemplate(running.url);
    const name = newDatabaseName();
    await runOn(running.url, `CREATE DATABASE ${name} TEMPLATE ${await template} STRATEGY FILE_COPY`);
    await runOnStore(t, { kind: "postgres", url: databaseUrl(running.url, name) }, body);
    await runOn(running.url, `DROP DATABASE ${name} WITH (FORCE)`);
  });
}

test.after.always("stop PostgreSQL", async () => {
  const running = await server;
  const name = await template;
  if (name !== null && name !== borrowed.template) await runOn(running?.url ?? "", `DROP DATABASE ${name}`);
  await running?.stop();
});

async function runOnStore(t: ExecutionContext, address: StoreAddress, body: Body): Promise<void> {
  await using store = await openStore(address);
  const orgId = newOrgId();
  await store.transact((db) => createOrg(db, { orgId, slug: "acme", now: Date.now() }));
  await body(t, { store, address, orgId });
}

async function startOrBorrow(): Promise<Postgres | null> {
  const { url } = borrowed;
  return url === undefined ? startPostgres() : { url, stop: async () => undefined };
}

async function findTemplate(url: string): Promise<string> {
  return borrowed.template ?? migratedTemplate(url);
}
