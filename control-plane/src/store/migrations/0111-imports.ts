import type { Migration } from "../migration.ts";

export const imports: Migration = {
  number: 111,
  name: "imports",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE billing_imports (
      org_id TEXT NOT NULL REFERENCES orgs,
      import_id TEXT NOT NULL,
      provider_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      file_name TEXT NOT NULL,
      file_hash TEXT NOT NULL,
      profile TEXT NOT NULL,
      lines ${integer} NOT NULL,
      from_day TEXT NOT NULL,
      until_day TEXT NOT NULL,
      amount_nano_usd ${integer} NOT NULL,
      imported_by TEXT NOT NULL,
      imported_at ${integer} NOT NULL,
      reverted_at ${integer},
      PRIMARY KEY (org_id, import_id)
    ) ${strict}`);
    await execute(
      "CREATE UNIQUE INDEX billing_imports_once ON billing_imports (org_id, file_hash) WHERE reverted_at IS NULL",
    );
    await execute(
      "CREATE INDEX billing_rows_by_import ON billing_rows (org_id, import_id) WHERE import_id IS NOT NULL",
    );
  },
};
