import type { Migration } from "../migration.ts";

export const ledger: Migration = {
  number: 210,
  name: "ledger",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE ledger_journals (
      org_id TEXT NOT NULL REFERENCES orgs,
      journal_id TEXT NOT NULL,
      period TEXT NOT NULL,
      posted_at ${integer} NOT NULL,
      kind TEXT NOT NULL,
      row_id TEXT NOT NULL,
      actor TEXT NOT NULL,
      PRIMARY KEY (org_id, journal_id)
    ) ${strict}`);
    await execute("CREATE INDEX ledger_journals_by_period ON ledger_journals (org_id, period, posted_at)");
    await execute(`CREATE TABLE ledger_entries (
      org_id TEXT NOT NULL REFERENCES orgs,
      journal_id TEXT NOT NULL,
      line ${integer} NOT NULL,
      row_id TEXT NOT NULL,
      account TEXT NOT NULL,
      subject TEXT,
      project TEXT,
      team TEXT,
      cost_centre TEXT,
      amount_nano_usd ${integer} NOT NULL,
      PRIMARY KEY (org_id, journal_id, line)
    ) ${strict}`);
    await execute("CREATE INDEX ledger_entries_by_row ON ledger_entries (org_id, row_id)");
    await execute(`CREATE TABLE accounting_periods (
      org_id TEXT NOT NULL REFERENCES orgs,
      period TEXT NOT NULL,
      state TEXT NOT NULL,
      closings ${integer} NOT NULL,
      changed_at ${integer} NOT NULL,
      changed_by TEXT NOT NULL,
      reason TEXT,
      snapshot_hash TEXT NOT NULL,
      PRIMARY KEY (org_id, period)
    ) ${strict}`);
    await execute(`CREATE TABLE period_snapshots (
      org_id TEXT NOT NULL REFERENCES orgs,
      period TEXT NOT NULL,
      closing ${integer} NOT NULL,
      row_id TEXT NOT NULL,
      line TEXT NOT NULL,
      PRIMARY KEY (org_id, period, closing, row_id)
    ) ${strict}`);
  },
};
