import { openStore } from "../../src/store/open.ts";
import { databaseUrl, newDatabaseName, runOn } from "./postgres.ts";

/**
 * The name of a new database that is migrated. Copying it is much faster than migrating each, and copying its files than
 * writing all of it to the log.
 */
export async function migratedTemplate(server: string): Promise<string> {
  const name = newDatabaseName();
  await runOn(server, `CREATE DATABASE ${name}`);
  const store = await openStore({ kind: "postgres", url: databaseUrl(server, name) });
  await store[Symbol.asyncDispose]();
  return name;
}
