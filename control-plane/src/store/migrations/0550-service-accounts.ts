import type { Migration } from "../migration.ts";

export const serviceAccounts: Migration = {
  number: 550,
  name: "service-accounts",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE service_accounts (
      org_id TEXT NOT NULL REFERENCES orgs,
      account_id TEXT NOT NULL,
      subject TEXT NOT NULL,
      name TEXT NOT NULL,
      environment TEXT NOT NULL,
      description TEXT,
      intended_scope TEXT,
      abuse_detection ${integer} NOT NULL,
      created_at ${integer} NOT NULL,
      created_by TEXT NOT NULL,
      updated_at ${integer} NOT NULL,
      deleted_at ${integer},
      PRIMARY KEY (org_id, account_id),
      UNIQUE (org_id, subject)
    ) ${strict}`);
    await execute(`CREATE UNIQUE INDEX one_service_account_of_a_name ON service_accounts (org_id, name)
      WHERE deleted_at IS NULL`);
  },
};
