import type { Migration } from "../migration.ts";

export const policy: Migration = {
  number: 551,
  name: "policy",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE policy_versions (
      org_id TEXT NOT NULL REFERENCES orgs,
      version ${integer} NOT NULL,
      state TEXT NOT NULL,
      document TEXT NOT NULL,
      note TEXT,
      base_version ${integer},
      drafted_at ${integer} NOT NULL,
      drafted_by TEXT NOT NULL,
      activated_at ${integer},
      activated_by TEXT,
      archived_at ${integer},
      PRIMARY KEY (org_id, version)
    ) ${strict}`);
    await execute(`CREATE UNIQUE INDEX one_active_policy ON policy_versions (org_id)
      WHERE state = 'ACTIVE'`);
    await execute(`CREATE TABLE policy_heads (
      org_id TEXT PRIMARY KEY REFERENCES orgs,
      newest_version ${integer} NOT NULL,
      pushed TEXT NOT NULL
    ) ${strict}`);
  },
};
