import type { Migration } from "../migration.ts";

export const audit: Migration = {
  number: 2,
  name: "audit",
  async up(execute, { engine, integer, strict }) {
    await execute(`CREATE TABLE audit_log (
      org_id TEXT NOT NULL REFERENCES orgs,
      sequence ${integer} NOT NULL,
      recorded_at ${integer} NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      target TEXT,
      detail TEXT,
      previous_hash TEXT NOT NULL,
      hash TEXT NOT NULL,
      PRIMARY KEY (org_id, sequence)
    ) ${strict}`);
    await execute(`CREATE TABLE audit_heads (
      org_id TEXT PRIMARY KEY REFERENCES orgs,
      sequence ${integer} NOT NULL,
      hash TEXT NOT NULL
    ) ${strict}`);
    for (const statement of engine === "sqlite" ? sqliteGuards : postgresGuards) await execute(statement);
  },
};

const sqliteGuards = ["UPDATE", "DELETE"].map(
  (change) => `CREATE TRIGGER audit_log_no_${change.toLowerCase()} BEFORE ${change} ON audit_log
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
);

const postgresGuards = [
  `CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$`,
  `CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()`,
];
