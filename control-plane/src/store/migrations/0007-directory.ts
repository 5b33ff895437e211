import type { Migration } from "../migration.ts";

export const directory: Migration = {
  number: 7,
  name: "directory",
  async up(execute, { integer, strict }) {
    const kept = `version ${integer} NOT NULL,
      created_at ${integer} NOT NULL,
      updated_at ${integer} NOT NULL`;
    await execute(`CREATE TABLE employees (
      org_id TEXT NOT NULL REFERENCES orgs,
      employee_id TEXT NOT NULL,
      email TEXT NOT NULL,
      name TEXT,
      title TEXT,
      primary_team_id TEXT,
      manager_id TEXT,
      external_id TEXT,
      active ${integer} NOT NULL,
      ${kept},
      PRIMARY KEY (org_id, employee_id),
      UNIQUE (org_id, email)
    ) ${strict}`);
    await execute("CREATE INDEX employees_by_team ON employees (org_id, primary_team_id)");
    await execute(`CREATE TABLE identities (
      org_id TEXT NOT NULL REFERENCES orgs,
      provider TEXT NOT NULL,
      kind TEXT NOT NULL,
      value TEXT NOT NULL,
      employee_id TEXT,
      email TEXT,
      label TEXT,
      source TEXT NOT NULL,
      updated_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, provider, kind, value)
    ) ${strict}`);
    await execute("CREATE INDEX identities_by_employee ON identities (org_id, employee_id)");
    await execute(`CREATE TABLE teams (
      org_id TEXT NOT NULL REFERENCES orgs,
      team_id TEXT NOT NULL,
      name TEXT NOT NULL,
      parent_id TEXT,
      cost_centre TEXT,
      external_id TEXT,
      ${kept},
      PRIMARY KEY (org_id, team_id)
    ) ${strict}`);
    await execute(`CREATE TABLE team_members (
      org_id TEXT NOT NULL REFERENCES orgs,
      team_id TEXT NOT NULL,
      employee_id TEXT NOT NULL,
      PRIMARY KEY (org_id, team_id, employee_id)
    ) ${strict}`);
    await execute(`CREATE TABLE projects (
      org_id TEXT NOT NULL REFERENCES orgs,
      project_id TEXT NOT NULL,
      name TEXT NOT NULL,
      team_id TEXT,
      cost_centre TEXT,
      marker TEXT,
      archived_at ${integer},
      ${kept},
      PRIMARY KEY (org_id, project_id)
    ) ${strict}`);
    await execute(`CREATE TABLE allocations (
      org_id TEXT NOT NULL REFERENCES orgs,
      allocation_id TEXT NOT NULL,
      employee_id TEXT NOT NULL,
      project_id TEXT,
      team_id TEXT,
      fte_ppm ${integer} NOT NULL,
      from_day TEXT NOT NULL,
      until_day TEXT,
      ${kept},
      PRIMARY KEY (org_id, allocation_id)
    ) ${strict}`);
    await execute("CREATE INDEX allocations_by_employee ON allocations (org_id, employee_id)");
  },
};
