import type { Migration } from "../migration.ts";

export const forecasts: Migration = {
  number: 500,
  name: "forecasts",
  async up(execute, { integer, strict, clustered }) {
    await execute(`CREATE TABLE usage_months (
      org_id TEXT NOT NULL REFERENCES orgs,
      period TEXT NOT NULL,
      subject TEXT NOT NULL,
      project TEXT NOT NULL,
      paid_nano_usd ${integer} NOT NULL,
      PRIMARY KEY (org_id, period, subject, project)
    ) ${clustered}`);
    await execute(`CREATE TABLE forecast_runs (
      org_id TEXT NOT NULL REFERENCES orgs,
      as_of TEXT NOT NULL,
      made_at ${integer} NOT NULL,
      people ${integer} NOT NULL,
      covered_80_ppm ${integer},
      covered_95_ppm ${integer},
      own_bands ${integer} NOT NULL,
      PRIMARY KEY (org_id, as_of)
    ) ${strict}`);
    await execute(`CREATE TABLE forecasts (
      org_id TEXT NOT NULL REFERENCES orgs,
      as_of TEXT NOT NULL,
      kind TEXT NOT NULL,
      node_id TEXT NOT NULL,
      rationale TEXT NOT NULL,
      confidence TEXT NOT NULL,
      method TEXT NOT NULL,
      headcount ${integer} NOT NULL,
      fte_ppm ${integer} NOT NULL,
      allocated_until TEXT,
      actual_30d_nano_usd ${integer} NOT NULL,
      backtest_mase_ppm ${integer},
      actuals TEXT NOT NULL,
      points TEXT NOT NULL,
      PRIMARY KEY (org_id, as_of, kind, node_id)
    ) ${strict}`);
  },
};
