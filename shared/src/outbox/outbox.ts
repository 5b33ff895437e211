import { rmSync } from "node:fs";
import { newUuid } from "../ids.ts";
import { FlowstateError } from "../errors.ts";
import { describeSqliteError, openSqlite } from "../sqlite.ts";

/** Rows that leave together. `seq` grows by one a row for the life of the outbox and is never used twice. */
export interface OutboxBatch {
  readonly source: string;
  readonly batch: string;
  readonly rows: readonly { readonly seq: number; readonly body: string }[];
}

export interface OutboxDepth {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * A durable queue in one SQLite file: rows are on disk when `append` returns, leave in order, and are deleted only
 * once acknowledged. A process killed at any moment loses no appended row; a row delivered twice has the same
 * `(source, seq)` both times, by which the receiver drops it.
 */
export interface Outbox extends Disposable {
  /** UUID made with the file. A lost file makes a new source, so sequence numbers are never reused. */
  readonly source: string;
  /** Appends all rows or none. Throws FS_UNAVAILABLE when the bound is reached: the caller must say so, not drop. */
  append(bodies: readonly string[]): void;
  /** The oldest rows, or null when there are none. The same rows come again until acknowledged. */
  peek(maxRows: number): OutboxBatch | null;
  /** Resolves as soon as there are rows, or when `signal` aborts. */
  filled(signal: AbortSignal): Promise<void>;
  /** Deletes rows up to and including `seq`. */
  acknowledge(seq: number): void;
  depth(): OutboxDepth;
}

export interface OutboxOptions {
  readonly file: string;
  /** At most this many bytes of undelivered rows. */
  readonly maxBytes?: number;
  /** Survive a power cut, not only the death of the process. */
  readonly durable?: boolean;
}

const schema = `
  CREATE TABLE IF NOT EXISTS outbox_source (id INTEGER PRIMARY KEY CHECK (id = 1), source TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS outbox_row (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
`;

/** A queue is read and written at its ends. */
const cacheKib = 256;

export function openOutbox({ file, maxBytes = 1 << 30, durable = false }: OutboxOptions): Outbox {
  const db = openSqlite(file, { durable, cacheKib });
  db.exec(schema);
  db.prepare("INSERT OR IGNORE INTO outbox_source (id, source) VALUES (1, ?)").run(newUuid());
  const { source } = db.prepare("SELECT source FROM outbox_source").get() as { source: string };

  const insert = db.prepare("INSERT INTO outbox_row (body) VALUES (?)");
  const oldest = db.prepare("SELECT seq, body FROM outbox_row ORDER BY seq LIMIT ?");
  const remove = db.prepare("DELETE FROM outbox_row WHERE seq <= ?");
  const measured = db.prepare(
    "SELECT count(*) AS rows, coalesce(sum(length(body)), 0) AS bytes FROM outbox_row",
  );
  const weigh = db
    .prepare("SELECT coalesce(sum(length(body)), 0) AS bytes FROM outbox_row WHERE seq <= ?")
    .pluck();

  const start = measured.get() as OutboxDepth;
  let rows = start.rows;
  let bytes = start.bytes;
  let onRows = (): void => undefined;

  const insertAll = db.transaction((bodies: readonly string[]) => {
    for (const body of bodies) insert.run(body);
  });
  const removeUpTo = db.transaction((seq: number) => ({
    bytes: weigh.get(seq) as number,
    rows: remove.run(seq).changes,
  }));

  return {
    source,
    append(bodies) {
      const size = bodies.reduce((sum, body) => sum + body.length, 0);
      if (bytes + size > maxBytes) {
        throw new FlowstateError(
          "FS_UNAVAILABLE",
          `outbox ${file} is full: ${rows} rows wait for the control plane`,
        );
      }
      try {
        insertAll.immediate(bodies);
      } catch (error) {
        throw describeSqliteError(error, file);
      }
      rows += bodies.length;
      bytes += size;
      if (rows > 0) onRows();
    },
    async filled(signal) {
      if (rows > 0 || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onRows = resolve;
      signal.addEventListener("abort", onRows);
      await promise;
      signal.removeEventListener("abort", onRows);
    },
    peek(maxRows) {
      if (rows === 0) return null;
      const found = oldest.all(maxRows) as { seq: number; body: string }[];
      return found.length === 0 ? null : { source, batch: newUuid(), rows: found };
    },
    acknowledge(seq) {
      const removed = removeUpTo.immediate(seq);
      rows -= removed.rows;
      bytes -= removed.bytes;
    },
    depth: () => ({ rows, bytes }),
    [Symbol.dispose]: () => {
      db.close();
    },
  };
}

/** Removes a drained outbox with its journal files. */
export function removeOutbox(file: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
}
