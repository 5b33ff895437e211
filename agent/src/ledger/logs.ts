import type { Sqlite } from "@flowstate/shared/sqlite";

/** How far a log was read. */
export interface LogCursor {
  readonly path: string;
  /** The tool that writes it. */
  readonly tool: string;
  /** Size and time of change that the file had then. */
  readonly size: number;
  readonly modifiedMs: number;
  /** Just after the last whole line that was read; 0 for files that are read whole. */
  readonly offset: number;
  /** Names what lies before the offset; null where nothing does. */
  readonly mark: string | null;
  /**
   * As JSON: what the reader knew there, how far a database was read, or how many answers a document held; null for
   * compressed logs.
   */
  readonly state: string | null;
  /** Answers that gave no call since the last that did. */
  readonly silent: number;
}

/** Every log that was read: by the file itself and not by its name, which rotation changes; a document by its path. */
export interface LogTable {
  /** Size and time of change of every known file, to see at a glance which have changed. */
  stamps(): ReadonlyMap<string, string>;
  cursor(file: string): LogCursor | null;
  put(file: string, cursor: LogCursor): void;
  forget(file: string): void;
  /** Forgets the logs that another version of this agent read and did not understand whole: this one may. */
  forgetMisread(): void;
}

export const logSchema = `
  CREATE TABLE IF NOT EXISTS log_cursor (
    file TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    tool TEXT NOT NULL,
    read_by TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_ms REAL NOT NULL,
    read_to INTEGER NOT NULL,
    mark TEXT,
    state TEXT,
    silent INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** Tells two states of one file apart. */
export function stampOf({ size, modifiedMs }: Pick<LogCursor, "size" | "modifiedMs">): string {
  return [size, modifiedMs].join(".");
}

export function logTable(db: Sqlite, agentVersion: string): LogTable {
  const all = db.prepare("SELECT file, size, modified_ms AS modifiedMs FROM log_cursor");
  const find = db.prepare(
    `SELECT path, tool, size, modified_ms AS modifiedMs, read_to AS offset, mark, state, silent FROM log_cursor
     WHERE file = ?`,
  );
  const write = db.prepare(
    `INSERT OR REPLACE INTO log_cursor (file, path, tool, read_by, size, modified_ms, read_to, mark, state, silent)
     VALUES (@file, @path, @tool, @agentVersion, @size, @modifiedMs, @offset, @mark, @state, @silent)`,
  );
  const drop = db.prepare("DELETE FROM log_cursor WHERE file = ?");
  const dropMisread = db.prepare(
    `DELETE FROM log_cursor WHERE read_by <> ? AND EXISTS (
       SELECT 1 FROM format WHERE format.agent_version = log_cursor.read_by AND format.capture = 'session-log'
         AND format.tool = log_cursor.tool AND format.blank > 0)`,
  );
  return {
    stamps() {
      const rows = all.all() as (Pick<LogCursor, "size" | "modifiedMs"> & { file: string })[];
      return new Map(rows.map((row) => [row.file, stampOf(row)]));
    },
    cursor: (file) => (find.get(file) as LogCursor | undefined) ?? null,
    put: (file, cursor) => void write.run({ file, agentVersion, ...cursor }),
    forget: (file) => void drop.run(file),
    forgetMisread: () => void dropMisread.run(agentVersion),
  };
}
