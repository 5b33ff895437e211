export type Engine = "sqlite" | "postgres";

/** The few words in which the two engines' schemas differ. */
export interface EngineWords {
  readonly engine: Engine;
  /** A 64-bit integer. */
  readonly integer: string;
  /** Ends a CREATE TABLE: SQLite checks types only when told to. */
  readonly strict: string;
}

export const wordsOf: Readonly<Record<Engine, EngineWords>> = {
  sqlite: { engine: "sqlite", integer: "INTEGER", strict: "STRICT" },
  postgres: { engine: "postgres", integer: "BIGINT", strict: "" },
};
