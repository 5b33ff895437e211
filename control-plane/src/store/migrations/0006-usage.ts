import type { Migration } from "../migration.ts";

const tokenClasses = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "reasoning"];

export const usage: Migration = {
  number: 6,
  name: "usage",
  async up(execute, { integer, strict, clustered }) {
    const tokens = tokenClasses.map((name) => `${name}_tokens ${integer}`);
    const sums = [
      ...tokens.map((column) => `${column} NOT NULL`),
      ...["calls", "cost_nano_usd", "uncosted_calls", "estimated_calls"].map(
        (name) => `${name} ${integer} NOT NULL`,
      ),
    ].join(",\n");
    await execute(`CREATE TABLE calls (
      org_id TEXT NOT NULL REFERENCES orgs,
      call_id TEXT NOT NULL,
      session_id TEXT NOT NULL,
      source TEXT NOT NULL,
      subject TEXT NOT NULL,
      occurred_at ${integer} NOT NULL,
      received_at ${integer} NOT NULL,
      revision ${integer} NOT NULL,
      provider TEXT NOT NULL,
      host TEXT,
      tool TEXT NOT NULL,
      tool_version TEXT,
      model TEXT,
      project TEXT,
      ${tokens.join(",\n")},
      output_trust TEXT NOT NULL,
      cost_nano_usd ${integer},
      estimated ${integer} NOT NULL,
      estimate_method TEXT,
      capture TEXT NOT NULL,
      billing TEXT NOT NULL,
      service_tier TEXT,
      status ${integer},
      duration_ms ${integer},
      parent_call_id TEXT,
      PRIMARY KEY (org_id, call_id)
    ) ${clustered}`);
    await execute("CREATE INDEX calls_by_time ON calls (org_id, occurred_at)");
    await execute("CREATE INDEX calls_by_session ON calls (org_id, session_id, occurred_at)");
    await execute(`CREATE TABLE call_names (
      org_id TEXT NOT NULL REFERENCES orgs,
      name TEXT NOT NULL,
      call_id TEXT NOT NULL,
      PRIMARY KEY (org_id, name)
    ) ${clustered}`);
    await execute("CREATE INDEX call_names_by_call ON call_names (org_id, call_id)");
    await execute(`CREATE TABLE sessions (
      org_id TEXT NOT NULL REFERENCES orgs,
      session_id TEXT NOT NULL,
      subject TEXT NOT NULL,
      provider TEXT NOT NULL,
      tool TEXT NOT NULL,
      project TEXT,
      models TEXT NOT NULL,
      started_at ${integer} NOT NULL,
      ended_at ${integer} NOT NULL,
      ${sums},
      PRIMARY KEY (org_id, session_id)
    ) ${strict}`);
    await execute("CREATE INDEX sessions_by_subject ON sessions (org_id, subject, started_at)");
    await execute("CREATE INDEX sessions_by_start ON sessions (org_id, started_at)");
    await execute(`CREATE TABLE usage_hours (
      org_id TEXT NOT NULL REFERENCES orgs,
      hour ${integer} NOT NULL,
      subject TEXT NOT NULL,
      provider TEXT NOT NULL,
      tool TEXT NOT NULL,
      model TEXT NOT NULL,
      project TEXT NOT NULL,
      billing TEXT NOT NULL,
      ${sums},
      PRIMARY KEY (org_id, hour, subject, provider, tool, model, project, billing)
    ) ${clustered}`);
  },
};
