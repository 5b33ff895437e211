import type { Migration } from "../migration.ts";

export const formatCounts: Migration = {
  number: 330,
  name: "format-counts",
  async up(execute, { integer, clustered }) {
    await execute(`CREATE TABLE format_counts (
      org_id TEXT NOT NULL REFERENCES orgs,
      source TEXT NOT NULL,
      capture TEXT NOT NULL,
      tool TEXT NOT NULL,
      tool_version TEXT NOT NULL,
      host TEXT NOT NULL,
      subject TEXT NOT NULL,
      agent_version TEXT NOT NULL,
      seen ${integer} NOT NULL,
      blank ${integer} NOT NULL,
      first_at ${integer} NOT NULL,
      last_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, source, capture, tool, tool_version, host)
    ) ${clustered}`);
    await execute("CREATE INDEX format_counts_by_time ON format_counts (org_id, last_at)");
  },
};
