export type Engine = "sqlite" | "postgres";

/** The few words in which the two engines' schemas differ. */
export interface EngineWords {
  readonly engine: Engine;
  /** A 64-bit integer. */
  readonly integer: string;
  /** Ends a CREATE TABLE: SQLite checks types only when told to. */
  readonly strict: string;
  /** The same, for a large table that is kept in the order of its primary key instead of beside an index of it. */
  readonly clustered: string;
}

export const wordsOf: Readonly<Record<Engine, EngineWords>> = {
  sqlite: { engine: "sqlite", integer: "INTEGER", strict: "STRICT", clustered: "STRICT, WITHOUT ROWID" },
  postgres: { engine: "postgres", integer: "BIGINT", strict: "", clustered: "" },
};
