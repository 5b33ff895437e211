import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Kysely, Transaction } from "kysely";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { systemCode } from "@flowstate/shared/errors";
import type { Sqlite } from "@flowstate/shared/sqlite";
import type { Database } from "./database.ts";
import { migrate } from "./migrate.ts";
import { describePostgresError, openPostgresEngine } from "./postgres.ts";
import { openSqliteEngine } from "./sqlite.ts";
import type { Engine } from "./words.ts";

export type StoreAddress =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "postgres"; readonly url: string };

/** What a query needs. The engine refuses writes through it. */
export type Reader = Pick<Kysely<Database>, "selectFrom" | "getExecutor">;

/** What a change needs; it exists only inside `transact`, and can read as well. */
export type Writer = Transaction<Database>;

export interface Store extends AsyncDisposable {
  readonly engine: Engine;
  readonly address: StoreAddress;
  /** Reads the last committed state. */
  readonly reader: Reader;
  /** SQLite's writing connection, for the online backup; null on PostgreSQL. */
  readonly sqlite: Sqlite | null;
  /**
   * Runs `run` in one transaction and commits it, or rolls all of it back when it throws. On PostgreSQL a transaction
   * that lost against another is run again, so `run` must have no effect but through `db`.
   */
  transact<T>(run: (db: Writer) => Promise<T>): Promise<T>;
}

/** Opens the database, makes it where it is missing, and brings its schema to the newest version. */
export async function openStore(address: StoreAddress, clock: Clock = systemClock): Promise<Store> {
  const store = address.kind === "sqlite" ? sqliteStore(address) : postgresStore(address, clock);
  try {
    await migrate(store.transact, store.engine, { clock });
    return store;
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

function sqliteStore(address: StoreAddress & { kind: "sqlite" }): Store {
  mkdirSync(dirname(address.file), { recursive: true, mode: 0o700 });
  const { reading, writing, raw } = openSqliteEngine(address.file);
  const transact = oneAtATime((run: (db: Writer) => Promise<unknown>) => writing.transaction().execute(run));
  return {
    engine: "sqlite",
    address,
    reader: reading,
    sqlite: raw,
    transact: transact as Store["transact"],
    async [Symbol.asyncDispose]() {
      await reading.destroy();
      await writing.destroy();
      raw.close();
    },
  };
}

/** One connection holds one transaction; the next waits for its end. */
function oneAtATime<A, R>(run: (argument: A) => Promise<R>): (argument: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (argument) => {
    const turn = last.then(() => run(argument));
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** serialization_failure, deadlock_detected: the other transaction won, this one may simply run again. */
const lostRace = new Set(["40001", "40P01"]);
const attempts = 10;

function postgresStore(address: StoreAddress & { kind: "postgres" }, clock: Clock): Store {
  const { reading, writing } = openPostgresEngine(address.url);
  return {
    engine: "postgres",
    address,
    reader: reading,
    sqlite: null,
    async transact(run) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await writing.transaction().execute(run);
        } catch (error) {
          if (!lostRace.has(systemCode(error) ?? "") || attempt === attempts) {
            throw describePostgresError(error, address.url);
          }
          await clock.sleep(attempt * 10);
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await reading.destroy();
      await writing.destroy();
    },
  };
}

/** Whether a change failed because a row with that key exists already. */
export function isUniqueViolation(error: unknown): boolean {
  const code = systemCode(error);
  return code === "23505" || code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY";
}
