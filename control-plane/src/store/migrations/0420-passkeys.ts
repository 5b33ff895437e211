import type { Migration } from "../migration.ts";

export const passkeys: Migration = {
  number: 420,
  name: "passkeys",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE passkeys (
      org_id TEXT NOT NULL,
      credential_id TEXT NOT NULL,
      member_id TEXT NOT NULL,
      name TEXT NOT NULL,
      public_key TEXT NOT NULL,
      sign_count ${integer} NOT NULL,
      backup_eligible ${integer} NOT NULL,
      backed_up ${integer} NOT NULL,
      transports TEXT NOT NULL,
      created_at ${integer} NOT NULL,
      used_at ${integer},
      PRIMARY KEY (org_id, credential_id),
      FOREIGN KEY (org_id, member_id) REFERENCES members ON DELETE CASCADE
    ) ${strict}`);
    await execute("CREATE INDEX passkeys_by_member ON passkeys (org_id, member_id)");
    await execute(`CREATE TABLE spent_flows (
      flow_hash TEXT PRIMARY KEY,
      expires_at ${integer} NOT NULL
    ) ${strict}`);
  },
};
