import type { Migration } from "../migration.ts";

export const devices: Migration = {
  number: 300,
  name: "devices",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE devices (
      org_id TEXT NOT NULL REFERENCES orgs,
      source TEXT NOT NULL,
      subject TEXT NOT NULL,
      received TEXT NOT NULL,
      skew_ms ${integer},
      first_seen_at ${integer} NOT NULL,
      last_reported_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, source)
    ) ${strict}`);
    await execute(`CREATE TABLE call_reports (
      org_id TEXT NOT NULL REFERENCES orgs,
      source TEXT NOT NULL,
      report_id TEXT NOT NULL,
      call_id TEXT NOT NULL,
      report TEXT NOT NULL,
      PRIMARY KEY (org_id, source, report_id)
    ) ${strict}`);
    await execute("CREATE INDEX call_reports_by_call ON call_reports (org_id, call_id)");
    await execute(`CREATE TABLE quarantined_calls (
      org_id TEXT NOT NULL REFERENCES orgs,
      source TEXT NOT NULL,
      seq ${integer} NOT NULL,
      subject TEXT NOT NULL,
      reason TEXT NOT NULL,
      report TEXT NOT NULL,
      received_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, source, seq)
    ) ${strict}`);
  },
};
