import type { Migration } from "../migration.ts";

export const selfService: Migration = {
  number: 660,
  name: "self-service",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE ai_key_requests (
      org_id TEXT NOT NULL REFERENCES orgs,
      request_id TEXT NOT NULL,
      subject TEXT NOT NULL,
      tool TEXT NOT NULL,
      environment TEXT NOT NULL,
      purpose TEXT NOT NULL,
      state TEXT NOT NULL,
      requested_at ${integer} NOT NULL,
      decided_at ${integer},
      decided_by TEXT,
      reason TEXT,
      key_id TEXT,
      PRIMARY KEY (org_id, request_id)
    ) ${strict}`);
    await execute("CREATE INDEX ai_key_requests_by_subject ON ai_key_requests (org_id, subject)");
    await execute(`CREATE UNIQUE INDEX one_open_ai_key ON ai_key_requests (org_id, subject, tool, environment)
      WHERE state IN ('PENDING', 'APPROVED', 'ACTIVE')`);
    await execute(`CREATE TABLE ai_key_tools (
      org_id TEXT NOT NULL REFERENCES orgs,
      tool TEXT NOT NULL,
      requires_approval ${integer} NOT NULL,
      PRIMARY KEY (org_id, tool)
    ) ${strict}`);
    await execute(`CREATE TABLE ai_session_notes (
      org_id TEXT NOT NULL REFERENCES orgs,
      session_id TEXT NOT NULL,
      note TEXT NOT NULL,
      noted_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, session_id)
    ) ${strict}`);
    await execute(`CREATE TABLE ai_session_marks (
      org_id TEXT NOT NULL REFERENCES orgs,
      session_id TEXT NOT NULL,
      project TEXT NOT NULL,
      before_project TEXT,
      marked_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, session_id)
    ) ${strict}`);
  },
};
