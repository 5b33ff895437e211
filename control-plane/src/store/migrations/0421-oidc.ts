import type { Migration } from "../migration.ts";

export const oidc: Migration = {
  number: 421,
  name: "oidc",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE oidc_settings (
      org_id TEXT PRIMARY KEY REFERENCES orgs,
      issuer TEXT NOT NULL,
      client_id TEXT NOT NULL,
      sealed_secret TEXT NOT NULL,
      email_domains TEXT NOT NULL,
      default_role TEXT,
      group_claim TEXT,
      group_roles TEXT NOT NULL,
      only_oidc ${integer} NOT NULL,
      updated_at ${integer} NOT NULL
    ) ${strict}`);
    await execute(`CREATE TABLE oidc_accounts (
      org_id TEXT NOT NULL,
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      member_id TEXT NOT NULL,
      linked_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, issuer, subject),
      UNIQUE (org_id, issuer, member_id),
      FOREIGN KEY (org_id, member_id) REFERENCES members ON DELETE CASCADE
    ) ${strict}`);
  },
};
