import type { Migration } from "../migration.ts";

const indicators = [
  "iterates_and_refines",
  "provides_examples",
  "specifies_format",
  "sets_interaction_mode",
  "states_tone_and_style",
  "defines_audience",
  "clarifies_goal",
  "consults_on_approach",
  "identifies_missing_context",
  "questions_reasoning",
  "checks_facts",
];

export const fluency: Migration = {
  number: 650,
  name: "fluency",
  async up(execute, { integer, strict, clustered }) {
    const pairs = (one: string, other: string): string =>
      indicators
        .flatMap((name) => [`${name}_${one}`, `${name}_${other}`])
        .map((column) => `${column} ${integer} NOT NULL`)
        .join(",\n");
    await execute(`CREATE TABLE fluency_sessions (
      org_id TEXT NOT NULL REFERENCES orgs,
      session_id TEXT NOT NULL,
      subject TEXT NOT NULL,
      tool TEXT NOT NULL,
      day TEXT NOT NULL,
      occurred_at ${integer} NOT NULL,
      rule_version ${integer} NOT NULL,
      revision ${integer} NOT NULL,
      received_at ${integer} NOT NULL,
      ${pairs("observed", "opportunities")},
      PRIMARY KEY (org_id, session_id)
    ) ${strict}`);
    await execute("CREATE INDEX fluency_sessions_by_day ON fluency_sessions (org_id, subject, day)");
    await execute(`CREATE TABLE fluency_days (
      org_id TEXT NOT NULL REFERENCES orgs,
      day TEXT NOT NULL,
      subject TEXT NOT NULL,
      rule_version ${integer} NOT NULL,
      conversations ${integer} NOT NULL,
      ${pairs("present", "sample")},
      PRIMARY KEY (org_id, day, subject, rule_version)
    ) ${clustered}`);
  },
};
