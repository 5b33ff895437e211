import { openSqlite } from "@flowstate/shared/sqlite";

/** What was told of a conversation last. */
export interface Told {
  readonly digest: string;
  readonly revision: number;
}

/** Which logs were judged as they stand, and what was told of their conversations: no text, only hashes and counts. */
export interface ToldTable extends Disposable {
  /** Whether the log was judged in this state, by these rules. */
  isJudged(file: string, stamp: string, ruleVersion: number): boolean;
  judged(file: string, stamp: string, ruleVersion: number): void;
  find(sessionId: string): Told | null;
  told(sessionId: string, told: Told): void;
}

const schema = `
  CREATE TABLE IF NOT EXISTS judged_log (
    file TEXT PRIMARY KEY,
    stamp TEXT NOT NULL,
    rule_version INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS told_conversation (
    session_id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

export function openTold(file: string): ToldTable {
  const db = openSqlite(file, {});
  db.exec(schema);
  const isJudged = db.prepare("SELECT 1 FROM judged_log WHERE file = ? AND stamp = ? AND rule_version = ?");
  const judged = db.prepare("INSERT OR REPLACE INTO judged_log (file, stamp, rule_version) VALUES (?, ?, ?)");
  const find = db.prepare("SELECT digest, revision FROM told_conversation WHERE session_id = ?");
  const told = db.prepare(
    "INSERT OR REPLACE INTO told_conversation (session_id, digest, revision) VALUES (?, ?, ?)",
  );
  return {
    isJudged: (...log) => isJudged.get(...log) !== undefined,
    judged: (...log) => void judged.run(...log),
    find: (sessionId) => (find.get(sessionId) as Told | undefined) ?? null,
    told: (sessionId, { digest, revision }) => void told.run(sessionId, digest, revision),
    [Symbol.dispose]: () => void db.close(),
  };
}
