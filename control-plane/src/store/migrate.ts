import { sql, type Transaction } from "kysely";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Database } from "./database.ts";
import { migrations } from "./migrations/index.ts";
import type { Migration } from "./migration.ts";
import { wordsOf, type Engine } from "./words.ts";

/** Runs one function in a write transaction. */
export type Transact = <T>(run: (db: Transaction<Database>) => Promise<T>) => Promise<T>;

/** An arbitrary number that this product alone uses, so that two programs never migrate at once. */
const postgresLock = 7_400_746_611;

/**
 * Brings the schema to the newest version and returns the names of the steps taken. Refuses a database that a newer
 * version wrote, because an older program would not keep what it does not know.
 */
export async function migrate(
  transact: Transact,
  engine: Engine,
  { steps = migrations, clock = systemClock }: { steps?: readonly Migration[]; clock?: Clock } = {},
): Promise<readonly string[]> {
  const words = wordsOf[engine];
  const taken: string[] = [];
  await transact(async (db) => {
    await lock(db, engine);
    await sql`CREATE TABLE IF NOT EXISTS migrations (
      number ${sql.raw(words.integer)} PRIMARY KEY,
      name TEXT NOT NULL,
      applied_at ${sql.raw(words.integer)} NOT NULL
    ) ${sql.raw(words.strict)}`.execute(db);
  });
  for (const step of steps) {
    await transact(async (db) => {
      await lock(db, engine);
      const applied = await db.selectFrom("migrations").select("number").execute();
      const numbers = new Set(applied.map(({ number }) => Number(number)));
      const unknown = [...numbers].filter((number) => !steps.some((known) => known.number === number));
      if (unknown.length > 0) {
        throw new FlowstateError(
          "FS_CONFLICT",
          `the database was written by a newer version (schema step ${Math.max(...unknown)}); start that version`,
        );
      }
      if (numbers.has(step.number)) return;
      await step.up(async (statement) => void (await sql.raw(statement).execute(db)), words);
      await db
        .insertInto("migrations")
        .values({ number: BigInt(step.number), name: step.name, applied_at: clock.now() })
        .execute();
      taken.push(step.name);
    });
  }
  return taken;
}

async function lock(db: Transaction<Database>, engine: Engine): Promise<void> {
  if (engine === "postgres") await sql`SELECT pg_advisory_xact_lock(${postgresLock})`.execute(db);
}
