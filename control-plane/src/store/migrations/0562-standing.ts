import type { Migration } from "../migration.ts";

export const standing: Migration = {
  number: 562,
  name: "standing",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE nudges (
      org_id TEXT NOT NULL REFERENCES orgs,
      nudge_id TEXT NOT NULL,
      subject TEXT NOT NULL,
      track TEXT NOT NULL,
      period TEXT NOT NULL,
      day TEXT NOT NULL,
      rule_version ${integer} NOT NULL,
      tier ${integer} NOT NULL,
      message TEXT NOT NULL,
      amount_nano_usd ${integer},
      signal_ids TEXT NOT NULL,
      nudged_at ${integer} NOT NULL,
      answer TEXT,
      answered_at ${integer},
      answered_amount_nano_usd ${integer},
      PRIMARY KEY (org_id, nudge_id),
      UNIQUE (org_id, subject, track, day)
    ) ${strict}`);
    await execute("CREATE INDEX nudges_by_period ON nudges (org_id, period, subject)");
    await execute(`CREATE TABLE nudge_replies (
      org_id TEXT NOT NULL,
      reply_id TEXT NOT NULL,
      nudge_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      author TEXT NOT NULL,
      text TEXT NOT NULL,
      replied_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, reply_id),
      FOREIGN KEY (org_id, nudge_id) REFERENCES nudges
    ) ${strict}`);
    await execute("CREATE INDEX nudge_replies_by_nudge ON nudge_replies (org_id, nudge_id)");
    await execute("CREATE INDEX nudge_replies_by_author ON nudge_replies (org_id, author, replied_at)");
  },
};
