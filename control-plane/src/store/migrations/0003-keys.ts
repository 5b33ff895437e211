import type { Migration } from "../migration.ts";

export const keys: Migration = {
  number: 3,
  name: "keys",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE keys (
      org_id TEXT NOT NULL REFERENCES orgs,
      key_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      hash TEXT NOT NULL,
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
    // Not unique: a unique index must start with org_id to be distributed, and 256 random bits do not meet again.
    await execute("CREATE INDEX keys_by_hash ON keys (hash)");
    await execute(`CREATE UNIQUE INDEX one_active_org_key ON keys (org_id)
      WHERE kind = 'org' AND revoked_at IS NULL`);
  },
};
