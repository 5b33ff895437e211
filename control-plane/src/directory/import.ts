import { parse } from "csv-parse/sync";
import { FlowstateError } from "@flowstate/shared/errors";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { parseSubject, type Subject } from "@flowstate/shared/subject";
import type { OrgId } from "@flowstate/shared/ids";
import type { Reader, Store, Writer } from "../store/open.ts";
import { createEntity, updateEntity, type DirectoryChange } from "./entities.ts";
import { resources } from "./resources.ts";

/** One person as a line of the file states them; null where the file says nothing, which changes nothing. */
export interface ImportedPerson {
  readonly line: number;
  readonly email: Subject;
  readonly name: string | null;
  readonly title: string | null;
  /** Names from the top down: `Engineering / Web`. */
  readonly team: readonly string[];
  readonly manager: Subject | null;
  readonly active: boolean | null;
}

export interface BadLine {
  readonly line: number;
  readonly detail: string;
}

export interface DirectoryFile {
  readonly people: readonly ImportedPerson[];
  readonly faults: readonly BadLine[];
}

export interface ImportOutcome {
  readonly people: number;
  readonly created: number;
  readonly changed: number;
  readonly teamsCreated: number;
  readonly faults: readonly BadLine[];
  /** False for a preview, and while a line is bad. */
  readonly imported: boolean;
}

const columns = ["email", "name", "title", "team", "manager", "active"] as const;
type Column = (typeof columns)[number];
type Cells = Readonly<Partial<Record<Column, string>>>;

const mostPeople = 50_000;

/** Reads a CSV file with a header: `email` and any of name, title, team, manager, active. Never throws. */
export function readDirectoryFile(text: string): DirectoryFile {
  const records = readRecords(text);
  if (!records.ok) return { people: [], faults: [{ line: 1, detail: records.detail }] };
  const seen = new Set<string>();
  const read = records.value.map(({ cells, line }): Parsed<ImportedPerson> & { readonly line: number } => {
    const person = readPerson(cells, line);
    if (!person.ok) return { ...person, line };
    if (seen.has(person.value.email)) {
      return { ...refuse("twice", `${person.value.email} stands in the file twice`), line };
    }
    seen.add(person.value.email);
    return { ...person, line };
  });
  return {
    people: read.flatMap((each) => (each.ok ? [each.value] : [])),
    faults: read.flatMap((each) => (each.ok ? [] : [{ line: each.line, detail: each.detail }])),
  };
}

interface RecordOfFile {
  readonly cells: Cells;
  readonly line: number;
}

function readRecords(text: string): Parsed<readonly RecordOfFile[]> {
  try {
    const rows = parse(text, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
    }) as unknown as readonly {
      readonly record: readonly string[];
      readonly info: { readonly lines: number };
    }[];
    const [header, ...rest] = rows;
    const names = (header?.record ?? []).map((name) => name.toLowerCase());
    const stranger = names.find((name) => !(columns as readonly string[]).includes(name));
    if (stranger !== undefined || !names.includes("email")) {
      return refuse("header", `the first line must name email and any of ${columns.slice(1).join(", ")}`);
    }
    if (new Set(names).size < names.length) return refuse("header", "the first line names a column twice");
    if (rest.length > mostPeople) return refuse("too_many", `a file holds at most ${mostPeople} people`);
    return ok(
      rest.map(({ record, info }) => ({
        cells: Object.fromEntries(names.map((name, index) => [name, record[index] ?? ""])),
        line: info.lines,
      })),
    );
  } catch (error) {
    return refuse("not_csv", error instanceof Error ? error.message : "the file is not CSV");
  }
}

function readPerson(cells: Cells, line: number): Parsed<ImportedPerson> {
  const email = parseSubject(cells.email ?? "");
  if (!email.ok)
    return refuse("email", `email: "${(cells.email ?? "").slice(0, 80)}" is not an e-mail address`);
  const manager = cells.manager === undefined || cells.manager === "" ? null : parseSubject(cells.manager);
  if (manager !== null && !manager.ok) return refuse("manager", "manager: expected an e-mail address");
  const active = (cells.active ?? "").toLowerCase();
  if (!["", "true", "false"].includes(active)) return refuse("active", "active: expected true or false");
  const long = columns.find((name) => (cells[name] ?? "").length > 200);
  if (long !== undefined) return refuse("too_long", `${long}: at most 200 characters`);
  const named = (value: string | undefined) => (value === undefined || value === "" ? null : value);
  return ok({
    line,
    email: email.value,
    name: named(cells.name),
    title: named(cells.title),
    team: (cells.team ?? "").split("/").flatMap((part) => (part.trim() === "" ? [] : [part.trim()])),
    manager: manager === null ? null : manager.value,
    active: active === "" ? null : active === "true",
  });
}

class PreviewEnds extends Error {
  readonly outcome: ImportOutcome;
  constructor(outcome: ImportOutcome) {
    super("a preview stores nothing");
    this.outcome = outcome;
  }
}

/**
 * Imports every line or none. A preview runs the same change and takes it back, so that it tells what an import would
 * do and not what somebody believes it would.
 */
export async function importDirectory(
  store: Store,
  change: DirectoryChange,
  { text, preview }: { readonly text: string; readonly preview: boolean },
): Promise<ImportOutcome> {
  const { people, faults } = readDirectoryFile(text);
  if (faults.length > 0) {
    return { people: people.length, created: 0, changed: 0, teamsCreated: 0, faults, imported: false };
  }
  try {
    return await store.transact(async (db) => {
      const outcome = await apply(db, change, people);
      if (preview || outcome.faults.length > 0) throw new PreviewEnds({ ...outcome, imported: false });
      return outcome;
    });
  } catch (error) {
    if (error instanceof PreviewEnds) return error.outcome;
    throw error;
  }
}

async function apply(
  db: Writer,
  change: DirectoryChange,
  people: readonly ImportedPerson[],
): Promise<ImportOutcome> {
  const { orgId } = change;
  const teams = await loadTeams(db, orgId);
  const known = await loadPeople(db, orgId);
  const faults: BadLine[] = [];
  let [created, changed, teamsCreated] = [0, 0, 0];
  for (const person of people) {
    let teamId: string | null = null;
    for (const name of person.team) {
      const key = teamKey(teamId, name);
      let found = teams.get(key);
      if (found === undefined) {
        const values: Record<string, unknown> = {
          name,
          parentId: teamId,
          costCentre: null,
          externalId: null,
        };
        found = (await createEntity(db, change, resources.teams, values)).id;
        teams.set(key, found);
        teamsCreated += 1;
      }
      teamId = found;
    }
    const stated = {
      name: person.name,
      title: person.title,
      primaryTeamId: teamId,
      active: person.active,
    };
    const id = known.get(person.email);
    if (id === undefined) {
      const values = {
        ...stated,
        email: person.email,
        managerId: null,
        externalId: null,
        active: person.active ?? true,
      };
      known.set(person.email, (await createEntity(db, change, resources.employees, values)).id);
      created += 1;
    } else {
      const values = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== null));
      await updateEntity(db, change, resources.employees, { id, version: null, values });
      changed += 1;
    }
  }
  for (const { line, email, manager } of people) {
    if (manager === null) continue;
    const [id, managerId] = [known.get(email), known.get(manager)];
    if (id === undefined || managerId === undefined) {
      faults.push({ line, detail: `manager: nobody has the address ${manager}` });
      continue;
    }
    const fault = await setManager(db, change, id, managerId);
    if (fault !== null) faults.push({ line, detail: fault });
  }
  return { people: people.length, created, changed, teamsCreated, faults, imported: true };
}

async function setManager(
  db: Writer,
  change: DirectoryChange,
  id: string,
  managerId: string,
): Promise<string | null> {
  try {
    await updateEntity(db, change, resources.employees, { id, version: null, values: { managerId } });
    return null;
  } catch (error) {
    if (error instanceof FlowstateError && error.code === "FS_INPUT_INVALID")
      return `manager: ${error.message}`;
    throw error;
  }
}

async function loadTeams(db: Reader, orgId: OrgId): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom("teams")
    .select(["team_id", "parent_id", "name"])
    .where("org_id", "=", orgId)
    .execute();
  return new Map(rows.map((row) => [teamKey(row.parent_id, row.name), row.team_id]));
}

async function loadPeople(db: Reader, orgId: OrgId): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom("employees")
    .select(["employee_id", "email"])
    .where("org_id", "=", orgId)
    .execute();
  return new Map(rows.map((row) => [row.email, row.employee_id]));
}

function teamKey(parentId: string | null, name: string): string {
  return `${parentId ?? ""}\n${name}`;
}
