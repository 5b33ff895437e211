import type { Migration } from "../migration.ts";

export const policyHits: Migration = {
  number: 561,
  name: "policy-hits",
  async up(execute, { integer, clustered }) {
    await execute(`CREATE TABLE policy_hits (
      org_id TEXT NOT NULL REFERENCES orgs,
      day_at ${integer} NOT NULL,
      version ${integer} NOT NULL,
      rule TEXT NOT NULL,
      subject TEXT NOT NULL,
      enforced ${integer} NOT NULL,
      action TEXT NOT NULL,
      calls ${integer} NOT NULL,
      last_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, day_at, version, rule, subject, enforced)
    ) ${clustered}`);
  },
};
