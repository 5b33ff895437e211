import { dayMs } from "@flowstate/shared/time";
import type { Migration } from "../migration.ts";

export const agentPolicy: Migration = {
  number: 560,
  name: "agent-policy",
  async up(execute, { integer, strict, clustered }) {
    await execute(`CREATE TABLE agent_settings (
      org_id TEXT PRIMARY KEY REFERENCES orgs,
      settings TEXT NOT NULL,
      updated_at ${integer} NOT NULL,
      updated_by TEXT NOT NULL
    ) ${strict}`);
    await execute(`CREATE TABLE spend_days (
      org_id TEXT NOT NULL REFERENCES orgs,
      subject TEXT NOT NULL,
      day_at ${integer} NOT NULL,
      provider TEXT NOT NULL,
      paid_nano_usd ${integer} NOT NULL,
      PRIMARY KEY (org_id, subject, day_at, provider)
    ) ${clustered}`);
    await execute(`INSERT INTO spend_days (org_id, subject, day_at, provider, paid_nano_usd)
      SELECT org_id, subject, hour - hour % ${dayMs}, provider, CAST(sum(cost_nano_usd) AS BIGINT)
      FROM usage_hours WHERE billing IN ('metered', 'byok', 'unknown')
      GROUP BY org_id, subject, hour - hour % ${dayMs}, provider`);
  },
};
