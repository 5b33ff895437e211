import type { Migration } from "../migration.ts";

export const signals: Migration = {
  number: 600,
  name: "signals",
  async up(execute, { integer, strict, clustered }) {
    await execute(`CREATE TABLE signals (
      org_id TEXT NOT NULL REFERENCES orgs,
      signal_id TEXT NOT NULL,
      type TEXT NOT NULL,
      category TEXT NOT NULL,
      severity TEXT NOT NULL,
      subject TEXT,
      service_account_id TEXT,
      session_id TEXT,
      service TEXT,
      scope TEXT NOT NULL,
      detail TEXT NOT NULL,
      happened_at ${integer} NOT NULL,
      detected_at ${integer} NOT NULL,
      updated_at ${integer} NOT NULL,
      resolution TEXT,
      resolved_at ${integer},
      resolved_by TEXT,
      note TEXT,
      PRIMARY KEY (org_id, signal_id)
    ) ${strict}`);
    await execute("CREATE INDEX signals_by_time ON signals (org_id, detected_at)");
    await execute("CREATE INDEX signals_by_verdict ON signals (org_id, resolution, resolved_at)");
    await execute(`CREATE TABLE signal_runs (
      org_id TEXT PRIMARY KEY REFERENCES orgs,
      ran_at ${integer} NOT NULL,
      whole_day TEXT NOT NULL,
      found ${integer} NOT NULL,
      added ${integer} NOT NULL,
      held ${integer} NOT NULL
    ) ${strict}`);
    await execute(`CREATE TABLE person_days (
      org_id TEXT NOT NULL REFERENCES orgs,
      day TEXT NOT NULL,
      subject TEXT NOT NULL,
      paid_nano_usd ${integer} NOT NULL,
      calls ${integer} NOT NULL,
      active_hours ${integer} NOT NULL,
      PRIMARY KEY (org_id, day, subject)
    ) ${clustered}`);
  },
};
