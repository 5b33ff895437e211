import type { Migration } from "../migration.ts";

export const surfaces: Migration = {
  number: 400,
  name: "surfaces",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE oauth_records (
      model TEXT NOT NULL,
      id_hash TEXT NOT NULL,
      payload TEXT NOT NULL,
      grant_id TEXT,
      uid TEXT,
      consumed_at ${integer},
      expires_at ${integer},
      PRIMARY KEY (model, id_hash)
    ) ${strict}`);
    await execute("CREATE INDEX oauth_records_by_grant ON oauth_records (grant_id)");
    await execute("CREATE INDEX oauth_records_by_uid ON oauth_records (model, uid)");
    await execute("CREATE INDEX oauth_records_by_end ON oauth_records (expires_at)");
    await execute(`ALTER TABLE orgs ADD COLUMN mcp_enabled ${integer} NOT NULL DEFAULT 1`);
    await execute("ALTER TABLE orgs ADD COLUMN reporting_currency TEXT NOT NULL DEFAULT 'USD'");
  },
};
