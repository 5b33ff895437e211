import { dayMs } from "@flowstate/shared/time";
import type { Migration } from "../migration.ts";

const columns = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "reasoning_tokens",
  "calls",
  "cost_nano_usd",
  "uncosted_calls",
  "estimated_calls",
];

export const usageSums: Migration = {
  number: 410,
  name: "usage-sums",
  async up(execute, { engine, integer, clustered }) {
    const month =
      engine === "sqlite"
        ? "strftime('%Y-%m', hour / 1000, 'unixepoch')"
        : "to_char(to_timestamp(hour / 1000) AT TIME ZONE 'UTC', 'YYYY-MM')";
    for (const [table, time, type, from] of [
      ["usage_person_days", "day_at", integer, `hour - hour % ${dayMs}`],
      ["usage_person_months", "period", "TEXT", month],
    ]) {
      await execute(`CREATE TABLE ${table} (
        org_id TEXT NOT NULL REFERENCES orgs,
        ${time} ${type} NOT NULL,
        subject TEXT NOT NULL,
        provider TEXT NOT NULL,
        ${columns.map((name) => `${name} ${integer} NOT NULL`).join(",\n")},
        PRIMARY KEY (org_id, ${time}, subject, provider)
      ) ${clustered}`);
      const sums = columns.map((name) => `CAST(sum(${name}) AS BIGINT)`).join(", ");
      await execute(`INSERT INTO ${table} (org_id, ${time}, subject, provider, ${columns.join(", ")})
        SELECT org_id, ${from}, subject, provider, ${sums} FROM usage_hours
        GROUP BY org_id, ${from}, subject, provider`);
    }
  },
};
