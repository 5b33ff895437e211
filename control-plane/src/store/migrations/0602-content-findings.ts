import type { Migration } from "../migration.ts";

export const contentFindings: Migration = {
  number: 602,
  name: "content-findings",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE content_findings (
      org_id TEXT NOT NULL REFERENCES orgs,
      source TEXT NOT NULL,
      seq ${integer} NOT NULL,
      in_answer ${integer} NOT NULL,
      subject TEXT NOT NULL,
      occurred_at ${integer} NOT NULL,
      session_id TEXT,
      provider TEXT NOT NULL,
      tool TEXT NOT NULL,
      model TEXT,
      rule TEXT NOT NULL,
      action TEXT NOT NULL,
      enforced ${integer} NOT NULL,
      requests ${integer} NOT NULL,
      found TEXT NOT NULL,
      PRIMARY KEY (org_id, source, seq)
    ) ${strict}`);
    await execute("CREATE INDEX content_findings_by_time ON content_findings (org_id, occurred_at)");
  },
};
