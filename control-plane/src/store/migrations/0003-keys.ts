import type { Migration } from "../migration.ts";

export const keys: Migration = {
  number: 3,
  name: "keys",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE keys (
      org_id TEXT NOT NULL REFERENCES orgs,
      key_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      hash TEXT NOT NULL UNIQUE,
      name TEXT,
      subject TEXT,
      permissions TEXT,
      created_at ${integer} NOT NULL,
      created_by TEXT NOT NULL,
      expires_at ${integer},
      revoked_at ${integer},
      last_used_at ${integer},
      PRIMARY KEY (org_id, key_id)
    ) ${strict}`);
    await execute(`CREATE UNIQUE INDEX one_active_org_key ON keys (org_id)
      WHERE kind = 'org' AND revoked_at IS NULL`);
  },
};
