import type { Migration } from "../migration.ts";

export const providers: Migration = {
  number: 100,
  name: "providers",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE sync_runs (
      org_id TEXT NOT NULL REFERENCES orgs,
      sync_id TEXT NOT NULL,
      provider_id TEXT NOT NULL,
      cause TEXT NOT NULL,
      from_day TEXT NOT NULL,
      until_day TEXT NOT NULL,
      state TEXT NOT NULL,
      lines ${integer} NOT NULL,
      added ${integer} NOT NULL,
      revised ${integer} NOT NULL,
      withdrawn ${integer} NOT NULL,
      started_at ${integer} NOT NULL,
      ended_at ${integer},
      error TEXT,
      PRIMARY KEY (org_id, sync_id)
    ) ${strict}`);
    await execute("CREATE INDEX sync_runs_by_provider ON sync_runs (org_id, provider_id, started_at)");
    await execute(`CREATE TABLE vendor_usage (
      org_id TEXT NOT NULL REFERENCES orgs,
      usage_id TEXT NOT NULL,
      provider_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      service TEXT NOT NULL,
      usage_day TEXT NOT NULL,
      account TEXT,
      api_key TEXT,
      identity_kind TEXT NOT NULL,
      identity_value TEXT,
      subject TEXT,
      model TEXT,
      input_tokens ${integer},
      output_tokens ${integer},
      cache_read_tokens ${integer},
      cache_write_tokens ${integer},
      requests ${integer},
      last_seen_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, usage_id)
    ) ${strict}`);
    await execute("CREATE INDEX vendor_usage_by_day ON vendor_usage (org_id, provider_id, usage_day)");
    await execute(
      "CREATE INDEX vendor_usage_by_identity ON vendor_usage (org_id, identity_value, identity_kind)",
    );
    await execute(`CREATE TABLE exchange_rates (
      org_id TEXT NOT NULL REFERENCES orgs,
      currency TEXT NOT NULL,
      from_day TEXT NOT NULL,
      usd TEXT NOT NULL,
      source TEXT NOT NULL,
      set_by TEXT NOT NULL,
      set_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, currency, from_day)
    ) ${strict}`);
  },
};
