import type { Migration } from "../migration.ts";

export const reconciliation: Migration = {
  number: 200,
  name: "reconciliation",
  async up(execute, { integer, strict }) {
    await execute(
      `CREATE TABLE reconciliation_locks (org_id TEXT NOT NULL REFERENCES orgs PRIMARY KEY) ${strict}`,
    );
    await execute(`CREATE TABLE reconciliation_figures (
      org_id TEXT NOT NULL REFERENCES orgs,
      period TEXT NOT NULL,
      kept_at ${integer} NOT NULL,
      figures TEXT NOT NULL,
      PRIMARY KEY (org_id, period)
    ) ${strict}`);
    await execute(`CREATE TABLE reconciliation_rows (
      org_id TEXT NOT NULL REFERENCES orgs,
      row_id TEXT NOT NULL,
      period TEXT NOT NULL,
      status TEXT NOT NULL,
      version ${integer} NOT NULL,
      match_id TEXT,
      note TEXT,
      deferred_to TEXT,
      confirmed_nano_usd ${integer},
      updated_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, row_id)
    ) ${strict}`);
    await execute(
      "CREATE INDEX reconciliation_rows_by_period ON reconciliation_rows (org_id, period, status)",
    );
    await execute("CREATE INDEX reconciliation_rows_by_match ON reconciliation_rows (org_id, match_id)");
    await execute(`CREATE TABLE reconciliation_matches (
      org_id TEXT NOT NULL REFERENCES orgs,
      match_id TEXT NOT NULL,
      period TEXT NOT NULL,
      rule TEXT NOT NULL,
      billed_nano_usd ${integer} NOT NULL,
      observed_nano_usd ${integer} NOT NULL,
      ambiguous ${integer} NOT NULL,
      evidence TEXT NOT NULL,
      shares TEXT NOT NULL,
      matched_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, match_id)
    ) ${strict}`);
    await execute("CREATE INDEX reconciliation_matches_by_period ON reconciliation_matches (org_id, period)");
    await execute(`CREATE TABLE matched_facts (
      org_id TEXT NOT NULL REFERENCES orgs,
      fact_id TEXT NOT NULL,
      match_id TEXT NOT NULL,
      PRIMARY KEY (org_id, fact_id)
    ) ${strict}`);
    await execute("CREATE INDEX matched_facts_by_match ON matched_facts (org_id, match_id)");
    await execute(`CREATE TABLE reconciliation_actions (
      org_id TEXT NOT NULL REFERENCES orgs,
      idempotency_key TEXT NOT NULL,
      row_id TEXT NOT NULL,
      action TEXT NOT NULL,
      acted_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, idempotency_key)
    ) ${strict}`);
  },
};
