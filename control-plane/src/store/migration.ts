import type { EngineWords } from "./words.ts";

/** One numbered step of the schema. It only ever runs forwards, once, in a transaction of its own. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** `execute` takes one statement. */
  up(execute: (statement: string) => Promise<void>, words: EngineWords): Promise<void>;
}
