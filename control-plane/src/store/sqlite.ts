import { setTimeout as delay } from "node:timers/promises";
import type { Statement } from "better-sqlite3";
import {
  CompiledQuery,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from "kysely";
import { describeSqliteError, openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import { systemCode } from "@flowstate/shared/errors";
import type { Database } from "./database.ts";
import { readInstants } from "./instants.ts";

export interface SqliteEngine {
  readonly reading: Kysely<Database>;
  readonly writing: Kysely<Database>;
  /** The writing connection itself, for the online backup. */
  readonly raw: Sqlite;
}

/**
 * Two connections to one file: one that writes, a transaction at a time, and one opened read-only, whose queries see
 * the last commit and never wait for a writer.
 */
export function openSqliteEngine(file: string): SqliteEngine {
  const raw = openSqlite(file, { durable: true, whenCorrupt: "FS_STORE_CORRUPT" });
  return { raw, writing: kyselyOver(() => raw, file), reading: kyselyOver(() => openReadOnly(file), file) };
}

/** Opened at the first read, when the file and its schema exist. */
function openReadOnly(file: string): Sqlite {
  return openSqlite(file, { readOnly: true, whenCorrupt: "FS_STORE_CORRUPT" });
}

function kyselyOver(open: () => Sqlite, file: string): Kysely<Database> {
  return new Kysely<Database>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => createDriver(open, file),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
    plugins: [readInstants],
  });
}

/** Kysely's own driver begins deferred transactions, which fail at once when another process writes in between. */
function createDriver(open: () => Sqlite, file: string): Driver {
  let db: Sqlite | null = null;
  let connection: DatabaseConnection | null = null;
  const run = async (statement: string, on: DatabaseConnection): Promise<void> => {
    await on.executeQuery(CompiledQuery.raw(statement));
  };
  return {
    async init() {
      db = open();
      db.defaultSafeIntegers(true);
      db.pragma(`busy_timeout = ${blockingWaitMs}`);
      connection = createConnection(db, file);
    },
    async acquireConnection() {
      if (connection === null) throw notOpen();
      return connection;
    },
    beginTransaction: () => (db === null ? Promise.reject(notOpen()) : beginImmediate(db, file)),
    commitTransaction: (on) => run("COMMIT", on),
    // A full disk has SQLite roll back by itself; a second one would hide the reason behind its own failure.
    rollbackTransaction: async (on) => (db?.inTransaction ? run("ROLLBACK", on) : undefined),
    async releaseConnection() {},
    async destroy() {
      db?.close();
    },
  };
}

function notOpen(): Error {
  return new Error("bug: the database is not open");
}

/** SQLite waits for another process inside the call, with the whole program standing still: so only this long. */
const blockingWaitMs = 20;
const patienceMs = 10_000;

/** Takes the write lock, waiting for other programs without holding up the rest of this one. */
async function beginImmediate(db: Sqlite, file: string): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      db.exec("BEGIN IMMEDIATE");
      return;
    } catch (error) {
      const busy = systemCode(error)?.startsWith("SQLITE_BUSY") ?? false;
      if (!busy || performance.now() > end) throw describeSqliteError(error, file, "FS_STORE_CORRUPT");
    }
    await delay(5);
  }
}

/** Prepared statements are kept: preparing costs more than most of our queries. */
const keptStatements = 500;

function createConnection(db: Sqlite, file: string): DatabaseConnection {
  const statements = new Map<string, Statement>();
  const prepare = (text: string): Statement => {
    const kept = statements.get(text);
    if (kept !== undefined) return kept;
    if (statements.size >= keptStatements) statements.clear();
    const statement = db.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      try {
        const statement = prepare(sql);
        if (statement.reader) return { rows: statement.all(...parameters) as R[] };
        const { changes, lastInsertRowid } = statement.run(...parameters);
        return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
      } catch (error) {
        throw isConstraint(error) ? error : describeSqliteError(error, file, "FS_STORE_CORRUPT");
      }
    },
    // oxlint-disable-next-line require-yield -- the interface asks for a generator; no query of ours streams
    async *streamQuery(): AsyncIterableIterator<never> {
      throw new Error("bug: streaming is not used");
    },
  };
}

function isConstraint(error: unknown): boolean {
  return systemCode(error)?.startsWith("SQLITE_CONSTRAINT") ?? false;
}
