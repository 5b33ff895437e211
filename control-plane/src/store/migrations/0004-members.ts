import type { Migration } from "../migration.ts";

export const members: Migration = {
  number: 4,
  name: "members",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE members (
      org_id TEXT NOT NULL REFERENCES orgs,
      member_id TEXT NOT NULL,
      email TEXT NOT NULL,
      role TEXT NOT NULL,
      password_hash TEXT,
      created_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, member_id),
      UNIQUE (org_id, email)
    ) ${strict}`);
    await execute(`CREATE TABLE logins (
      org_id TEXT NOT NULL,
      login_hash TEXT NOT NULL,
      member_id TEXT NOT NULL,
      created_at ${integer} NOT NULL,
      seen_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, login_hash),
      FOREIGN KEY (org_id, member_id) REFERENCES members ON DELETE CASCADE
    ) ${strict}`);
    await execute(`CREATE TABLE sign_in_links (
      org_id TEXT NOT NULL,
      link_hash TEXT NOT NULL,
      member_id TEXT NOT NULL,
      created_at ${integer} NOT NULL,
      expires_at ${integer} NOT NULL,
      used_at ${integer},
      PRIMARY KEY (org_id, link_hash),
      FOREIGN KEY (org_id, member_id) REFERENCES members ON DELETE CASCADE
    ) ${strict}`);
    await execute("CREATE INDEX logins_by_hash ON logins (login_hash)");
    await execute("CREATE INDEX sign_in_links_by_hash ON sign_in_links (link_hash)");
    await execute(`CREATE TABLE sign_in_failures (
      org_id TEXT NOT NULL,
      bucket TEXT NOT NULL,
      failures ${integer} NOT NULL,
      window_started_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, bucket)
    ) ${strict}`);
  },
};
