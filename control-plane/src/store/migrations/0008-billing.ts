import type { Migration } from "../migration.ts";

export const billing: Migration = {
  number: 8,
  name: "billing",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE usage_providers (
      org_id TEXT NOT NULL REFERENCES orgs,
      provider_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      state TEXT NOT NULL,
      sealed_credentials TEXT,
      credential_hash TEXT,
      account TEXT,
      last_sync_at ${integer},
      last_error TEXT,
      covered_from_day TEXT,
      covered_until_day TEXT,
      created_at ${integer} NOT NULL,
      removed_at ${integer},
      PRIMARY KEY (org_id, provider_id)
    ) ${strict}`);
    await execute(`CREATE TABLE billing_rows (
      org_id TEXT NOT NULL REFERENCES orgs,
      row_id TEXT NOT NULL,
      provider_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      fact_key TEXT NOT NULL,
      revision ${integer} NOT NULL,
      grade TEXT NOT NULL,
      charge_category TEXT NOT NULL,
      charge_frequency TEXT NOT NULL,
      service TEXT NOT NULL,
      account TEXT,
      identity_kind TEXT NOT NULL,
      identity_value TEXT,
      subject TEXT,
      usage_day TEXT NOT NULL,
      period TEXT NOT NULL,
      description TEXT NOT NULL,
      amount_nano_usd ${integer} NOT NULL,
      original_amount TEXT,
      original_currency TEXT NOT NULL,
      exchange_rate TEXT,
      exchange_source TEXT,
      exchange_day TEXT,
      list_nano_usd ${integer},
      model TEXT,
      sku TEXT,
      input_tokens ${integer},
      output_tokens ${integer},
      cache_read_tokens ${integer},
      cache_write_tokens ${integer},
      requests ${integer},
      quantity TEXT,
      unit TEXT,
      settled ${integer} NOT NULL,
      raw_hash TEXT NOT NULL,
      import_id TEXT,
      first_seen_at ${integer} NOT NULL,
      updated_at ${integer} NOT NULL,
      last_seen_at ${integer} NOT NULL,
      withdrawn_at ${integer},
      PRIMARY KEY (org_id, row_id)
    ) ${strict}`);
    await execute("CREATE INDEX billing_rows_by_day ON billing_rows (org_id, usage_day)");
    await execute("CREATE INDEX billing_rows_by_provider ON billing_rows (org_id, provider_id, usage_day)");
    await execute(
      "CREATE INDEX billing_rows_by_identity ON billing_rows (org_id, identity_value, identity_kind)",
    );
    await execute(`CREATE TABLE billing_revisions (
      org_id TEXT NOT NULL REFERENCES orgs,
      row_id TEXT NOT NULL,
      revision ${integer} NOT NULL,
      amount_nano_usd ${integer} NOT NULL,
      original_amount TEXT,
      original_currency TEXT NOT NULL,
      raw_hash TEXT NOT NULL,
      recorded_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, row_id, revision)
    ) ${strict}`);
  },
};
