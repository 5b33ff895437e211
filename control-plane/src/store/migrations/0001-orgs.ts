import type { Migration } from "../migration.ts";

export const orgs: Migration = {
  number: 1,
  name: "orgs",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE installation (name TEXT PRIMARY KEY, value TEXT NOT NULL) ${strict}`);
    await execute(`CREATE TABLE orgs (
      org_id TEXT PRIMARY KEY,
      slug TEXT NOT NULL UNIQUE,
      revision ${integer} NOT NULL,
      created_at ${integer} NOT NULL
    ) ${strict}`);
    await execute(`CREATE TABLE jobs (
      org_id TEXT NOT NULL REFERENCES orgs,
      name TEXT NOT NULL,
      due_at ${integer} NOT NULL,
      lease_owner TEXT,
      lease_expires_at ${integer},
      failures ${integer} NOT NULL,
      last_error TEXT,
      PRIMARY KEY (org_id, name)
    ) ${strict}`);
    await execute("CREATE INDEX jobs_due ON jobs (due_at)");
  },
};
