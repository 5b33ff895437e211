import type { Migration } from "../migration.ts";

export const catalogue: Migration = {
  number: 110,
  name: "catalogue",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE ai_agent_entries (
      org_id TEXT NOT NULL REFERENCES orgs,
      entry_id TEXT NOT NULL,
      project_id TEXT,
      name TEXT NOT NULL,
      service TEXT,
      period TEXT NOT NULL,
      amount_nano_usd ${integer} NOT NULL,
      currency TEXT NOT NULL,
      exchange_rate TEXT,
      seats ${integer},
      monthly_per_seat_price TEXT,
      input_token_price_per_1m TEXT,
      output_token_price_per_1m TEXT,
      monthly_included_input_tokens ${integer},
      monthly_included_output_tokens ${integer},
      team_ids TEXT NOT NULL,
      note TEXT,
      entered_by TEXT NOT NULL,
      entered_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, entry_id)
    ) ${strict}`);
    await execute("CREATE INDEX ai_agent_entries_by_period ON ai_agent_entries (org_id, period)");
  },
};
