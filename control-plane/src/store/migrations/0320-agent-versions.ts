import type { Migration } from "../migration.ts";

export const agentVersions: Migration = {
  number: 320,
  name: "agent-versions",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE agent_versions (
      org_id TEXT NOT NULL REFERENCES orgs,
      source TEXT NOT NULL,
      subject TEXT NOT NULL,
      version TEXT NOT NULL,
      platform TEXT NOT NULL,
      available TEXT,
      told_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, source)
    ) ${strict}`);
  },
};
