import type { Migration } from "../migration.ts";

export const meter: Migration = {
  number: 5,
  name: "meter",
  async up(execute, { integer, strict, clustered }) {
    const columns = (names: readonly string[]): string =>
      names.map((name) => `${name} ${integer} NOT NULL`).join(",\n");
    const sums = columns([
      "tunnels",
      "failed_tunnels",
      "requests",
      "estimated_requests",
      "bytes_up",
      "bytes_down",
      "first_seen_at",
      "last_seen_at",
    ]);
    const hourSums = columns([
      "sni_equal",
      "sni_same_provider",
      "sni_mismatch",
      "sni_none",
      "sni_ech",
      "sni_not_tls",
      "would_deny",
    ]);
    await execute(`CREATE TABLE meter_hours (
      org_id TEXT NOT NULL REFERENCES orgs,
      hour ${integer} NOT NULL,
      subject TEXT NOT NULL,
      host TEXT NOT NULL,
      ${sums},
      ${hourSums},
      estimate_method TEXT,
      PRIMARY KEY (org_id, hour, subject, host)
    ) ${clustered}`);
    await execute(`CREATE TABLE meter_months (
      org_id TEXT NOT NULL REFERENCES orgs,
      period TEXT NOT NULL,
      subject TEXT NOT NULL,
      ${sums},
      PRIMARY KEY (org_id, period, subject)
    ) ${clustered}`);
    await execute(`CREATE TABLE meter_sources (
      org_id TEXT NOT NULL REFERENCES orgs,
      source TEXT NOT NULL,
      key_id TEXT NOT NULL,
      received TEXT NOT NULL,
      last_batch TEXT NOT NULL,
      last_reported_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, source)
    ) ${strict}`);
    await execute(`CREATE TABLE refused_credentials (
      org_id TEXT NOT NULL REFERENCES orgs,
      period TEXT NOT NULL,
      reason TEXT NOT NULL,
      refusals ${integer} NOT NULL,
      PRIMARY KEY (org_id, period, reason)
    ) ${strict}`);
    await execute(`CREATE TABLE quotas (
      org_id TEXT NOT NULL REFERENCES orgs,
      subject TEXT NOT NULL,
      requests ${integer} NOT NULL,
      PRIMARY KEY (org_id, subject)
    ) ${strict}`);
    await execute(`CREATE TABLE proxy_captures (
      org_id TEXT PRIMARY KEY REFERENCES orgs,
      first_seen_at ${integer} NOT NULL,
      last_capture_at ${integer} NOT NULL
    ) ${strict}`);
  },
};
