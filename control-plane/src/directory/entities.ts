import { sql } from "kysely";
import { FlowstateError } from "@flowstate/shared/errors";
import { newId, type OrgId } from "@flowstate/shared/ids";
import { recordAudit } from "../audit/record.ts";
import { revokeKeysOf } from "../self-service/keys.ts";
import { isUniqueViolation, type Reader, type Writer } from "../store/open.ts";
import { resourceNames, resources, type Resource } from "./resources.ts";

/** An employee, team, project or allocation as clients see it. */
export interface Entity {
  readonly id: string;
  readonly version: bigint;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface DirectoryChange {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

type Row = Readonly<Record<string, unknown>>;

/** Entities in the order of their identifiers, after `cursor`. */
export async function listEntities(
  db: Reader,
  orgId: OrgId,
  resource: Resource,
  { cursor, limit }: { readonly cursor: string; readonly limit: number },
): Promise<readonly Entity[]> {
  const id = sql.ref(resource.idColumn);
  const { rows } = await sql<Row>`SELECT * FROM ${sql.table(resource.name)}
    WHERE org_id = ${orgId} AND ${id} > ${cursor} ORDER BY ${id} LIMIT ${limit}`.execute(db);
  return rows.map((row) => toEntity(resource, row));
}

export interface EntityPage {
  /** Fields that must have these values; `id` is one as well. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly offset: number;
  readonly limit: number;
}

/** The entities that have the given values, a page of them, and how many there are. */
export async function findEntities(
  db: Reader,
  orgId: OrgId,
  resource: Resource,
  { fields, offset, limit }: EntityPage,
): Promise<{ readonly total: number; readonly entities: readonly Entity[] }> {
  const columns = columnsOf(resource, fields);
  const all = "id" in fields ? { ...columns, [resource.idColumn]: fields["id"] } : columns;
  const conditions = [
    sql`org_id = ${orgId}`,
    ...Object.entries(all).map(([name, value]) => sql`${sql.ref(name)} = ${value}`),
  ];
  const where = sql.join(conditions, sql` AND `);
  const table = sql.table(resource.name);
  const counted = await sql<{ total: bigint }>`SELECT count(*) AS total FROM ${table} WHERE ${where}`.execute(
    db,
  );
  const { rows } = await sql<Row>`SELECT * FROM ${table} WHERE ${where}
    ORDER BY ${sql.ref(resource.idColumn)} LIMIT ${limit} OFFSET ${offset}`.execute(db);
  return {
    total: Number(counted.rows[0]?.total ?? 0n),
    entities: rows.map((row) => toEntity(resource, row)),
  };
}

/** Throws FS_NOT_FOUND. */
export async function requireEntity(
  db: Reader,
  orgId: OrgId,
  resource: Resource,
  id: string,
): Promise<Entity> {
  const { rows } = await sql<Row>`SELECT * FROM ${sql.table(resource.name)}
    WHERE org_id = ${orgId} AND ${sql.ref(resource.idColumn)} = ${id}`.execute(db);
  const [row] = rows;
  if (row !== undefined) return toEntity(resource, row);
  throw new FlowstateError("FS_NOT_FOUND", `there is no ${resource.singular} "${id.slice(0, 64)}"`);
}

/** Throws FS_INPUT_INVALID where a named entity does not exist, FS_CONFLICT where the new one does. */
export async function createEntity(
  db: Writer,
  change: DirectoryChange,
  resource: Resource,
  values: Readonly<Record<string, unknown>>,
): Promise<Entity> {
  const { orgId, now } = change;
  const id = newId(now);
  await checkValues(db, orgId, resource, id, values);
  const columns = columnsOf(resource, values);
  const all = {
    ...columns,
    org_id: orgId,
    [resource.idColumn]: id,
    version: 1n,
    created_at: now,
    updated_at: now,
  };
  await unique(resource, () =>
    sql`INSERT INTO ${sql.table(resource.name)} (${sql.join(Object.keys(all).map((name) => sql.ref(name)))})
      VALUES (${sql.join(Object.values(all))})`.execute(db),
  );
  await note(db, change, resource, "created", id);
  return requireEntity(db, orgId, resource, id);
}

/** Changes the given fields. Throws FS_CONFLICT where `version` is not the entity's any more. */
export async function updateEntity(
  db: Writer,
  change: DirectoryChange,
  resource: Resource,
  {
    id,
    version,
    values,
  }: {
    readonly id: string;
    readonly version: bigint | null;
    readonly values: Readonly<Record<string, unknown>>;
  },
): Promise<Entity> {
  const { orgId, now } = change;
  const before = await requireEntity(db, orgId, resource, id);
  requireVersion(resource, before, version);
  await checkValues(db, orgId, resource, id, { ...before.values, ...values });
  const columns = { ...columnsOf(resource, values), version: before.version + 1n, updated_at: now };
  const { numAffectedRows } = await unique(resource, () =>
    sql`UPDATE ${sql.table(resource.name)}
      SET ${sql.join(Object.entries(columns).map(([name, value]) => sql`${sql.ref(name)} = ${value}`))}
      WHERE org_id = ${orgId} AND ${sql.ref(resource.idColumn)} = ${id} AND version = ${before.version}`.execute(
      db,
    ),
  );
  if (numAffectedRows !== 1n) throw stale(resource);
  await note(db, change, resource, "changed", id, Object.keys(values).sort().join(", "));
  if (resource.name === "employees" && values["active"] === false) await takeKeys(db, change, before);
  return requireEntity(db, orgId, resource, id);
}

/** Throws FS_CONFLICT while something else names it. */
export async function deleteEntity(
  db: Writer,
  change: DirectoryChange,
  resource: Resource,
  { id, version }: { readonly id: string; readonly version: bigint | null },
): Promise<void> {
  const { orgId } = change;
  const before = await requireEntity(db, orgId, resource, id);
  requireVersion(resource, before, version);
  for (const other of resourceNames.map((name) => resources[name])) {
    for (const { column, refersTo } of Object.values(other.fields)) {
      if (refersTo !== resource.name) continue;
      const { rows } = await sql<Row>`SELECT 1 FROM ${sql.table(other.name)}
        WHERE org_id = ${orgId} AND ${sql.ref(column)} = ${id} LIMIT 1`.execute(db);
      if (rows.length === 0) continue;
      const detail = `the ${resource.singular} is still named by ${other.name}`;
      throw new FlowstateError("FS_CONFLICT", detail);
    }
  }
  if (resource.name === "employees") {
    await takeKeys(db, change, before);
    await db
      .updateTable("identities")
      .set({ employee_id: null })
      .where("org_id", "=", orgId)
      .where("employee_id", "=", id)
      .execute();
    await db.deleteFrom("team_members").where("org_id", "=", orgId).where("employee_id", "=", id).execute();
  }
  if (resource.name === "teams") {
    await db.deleteFrom("team_members").where("org_id", "=", orgId).where("team_id", "=", id).execute();
  }
  await sql`DELETE FROM ${sql.table(resource.name)}
    WHERE org_id = ${orgId} AND ${sql.ref(resource.idColumn)} = ${id}`.execute(db);
  await note(db, change, resource, "deleted", id);
}

/** Whoever leaves has no key any more. */
async function takeKeys(db: Writer, change: DirectoryChange, employee: Entity): Promise<void> {
  const email = employee.values["email"];
  if (typeof email === "string") await revokeKeysOf(db, change, email);
}

async function checkValues(
  db: Writer,
  orgId: OrgId,
  resource: Resource,
  id: string,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  const wrong = resource.check?.(values) ?? null;
  if (wrong !== null) throw new FlowstateError("FS_INPUT_INVALID", wrong);
  for (const [name, { column, refersTo }] of Object.entries(resource.fields)) {
    const named = values[name];
    if (refersTo === undefined || typeof named !== "string") continue;
    const other = resources[refersTo];
    const found = await sql<Row>`SELECT 1 FROM ${sql.table(other.name)}
      WHERE org_id = ${orgId} AND ${sql.ref(other.idColumn)} = ${named}`.execute(db);
    if (found.rows.length === 0) {
      throw new FlowstateError("FS_INPUT_INVALID", `${name}: there is no ${other.singular} "${named}"`);
    }
    if (refersTo === resource.name) await refuseCircle(db, orgId, resource, { id, above: named, column });
  }
}

/** Nobody stands above themselves, not even through others. */
async function refuseCircle(
  db: Writer,
  orgId: OrgId,
  resource: Resource,
  { id, above, column }: { readonly id: string; readonly above: string; readonly column: string },
): Promise<void> {
  const own = sql.ref(resource.idColumn);
  const { rows } = await sql<Row>`WITH RECURSIVE line(id) AS (
      SELECT CAST(${above} AS TEXT)
      UNION
      SELECT ${sql.ref(`${resource.name}.${column}`)} FROM ${sql.table(resource.name)}
        JOIN line ON ${sql.ref(`${resource.name}.${resource.idColumn}`)} = line.id
        WHERE org_id = ${orgId} AND ${sql.ref(column)} IS NOT NULL
    ) SELECT ${own} FROM ${sql.table(resource.name)} JOIN line ON line.id = ${own}
      WHERE org_id = ${orgId} AND ${own} = ${id}`.execute(db);
  if (rows.length > 0 || above === id) {
    throw new FlowstateError("FS_INPUT_INVALID", `no ${resource.singular} can stand above itself`);
  }
}

function columnsOf(resource: Resource, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(resource.fields).flatMap(([name, { column, toColumn }]) => {
      if (!(name in values)) return [];
      const value = values[name];
      return [[column, toColumn === undefined ? value : toColumn(value)]];
    }),
  );
}

function toEntity(resource: Resource, row: Row): Entity {
  const values = Object.entries(resource.fields).map(([name, { column, fromColumn }]) => {
    const value = row[column];
    return [name, fromColumn === undefined ? value : fromColumn(value)];
  });
  return {
    id: String(row[resource.idColumn]),
    version: BigInt(String(row["version"])),
    createdAt: new Date(Number(row["created_at"])).toISOString(),
    updatedAt: new Date(Number(row["updated_at"])).toISOString(),
    values: Object.fromEntries(values),
  };
}

function requireVersion(resource: Resource, { version }: Entity, expected: bigint | null): void {
  if (expected !== null && expected !== version) throw stale(resource);
}

function stale({ singular }: Resource): FlowstateError {
  const details = { precondition: "version" };
  return new FlowstateError("FS_CONFLICT", `the ${singular} was changed meanwhile; read it again`, {
    details,
  });
}

async function unique<T>({ singular }: Resource, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new FlowstateError("FS_CONFLICT", `there is such a ${singular} already`);
  }
}

async function note(
  db: Writer,
  { orgId, actor, now }: DirectoryChange,
  { singular }: Resource,
  verb: string,
  target: string,
  detail: string | null = null,
): Promise<void> {
  await recordAudit(db, { orgId, at: now, actor, action: `${singular}.${verb}`, target, detail });
}
