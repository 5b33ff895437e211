import type { Sighting } from "../../normalise/sighting.ts";
import type { AnswersRead, Silence } from "./answers.ts";
import type { Fields } from "./json.ts";

/**
 * Reads a log of one JSON object a line. `State` is what a later line needs to know of earlier ones (the model, the last
 * counter); it is plain JSON, so that a reader can stop at any line and go on after a restart.
 */
export interface LineReader<State extends object = object> {
  readonly kind: "lines";
  readonly tool: string;
  /**
   * A line that holds none of these is not even decoded. Each ends in a quote, which inside a quoted text would be
   * escaped, and begins with a rare letter, which makes the search four times as fast.
   */
  readonly marks: readonly string[];
  /** How a row looks that stands for an answer, so that one which tells of no usage is noticed; absent where usage is told apart from answers. */
  readonly answers?: AnswerSign;
  /** Begins a reading that need not decode whole lines; absent where every line is to be decoded. */
  skim?(): Skim;
  start(file: string): State;
  /** The tool's version, as a row or the rows before it say; null where they do not. */
  versionOf?(row: Fields, state: State): string | null;
  /** The calls that this row tells of; updates `state`. Never throws, whatever the row holds. */
  read(row: Fields, state: State): readonly Sighting[];
}

/** What is known of lines by their bytes, while one file is read. A line is the slice `[start, end)` of a buffer. */
export interface Skim {
  /** Whether a line says nothing beyond the line that was noted last. */
  isRepetition(buffer: Buffer, start: number, end: number): boolean;
  /** The row of a line without what does not matter in it, which is most of many lines; null where all of it is to be read. */
  brief(buffer: Buffer, start: number, end: number): Fields | null;
  /** Notes the line that `brief` was given last, which told of a call. */
  note(buffer: Buffer): void;
}

/** An answer, whatever its counts are called. */
export interface AnswerSign {
  /** As `marks`. */
  readonly mark: string;
  isAnswer(row: Fields): boolean;
}

/** Reads a file that its tool rewrites whole. */
export interface DocumentReader {
  readonly kind: "document";
  readonly tool: string;
  /** Never throws, whatever the document holds. */
  read(document: unknown, file: string): DocumentReading;
}

export interface DocumentReading extends AnswersRead {
  /** The tool's version; null where the document does not say. */
  readonly toolVersion: string | null;
}

/** Reads a tool's SQLite database. */
export interface DatabaseReader {
  readonly kind: "database";
  readonly tool: string;
  /** A table takes the place of those before it: the tool may drop them. */
  readonly tables: readonly DatabaseTable[];
  /** Whether the tool never kept a database without one of the tables. */
  readonly isNeverWithout: boolean;
}

/** Rows of one table that stand for calls, as the parts of a statement in which the table is called `m`. */
export interface DatabaseTable {
  readonly name: string;
  readonly columns: string;
  readonly from: string;
  readonly where: string;
  /** Column that holds when a row was last changed in place; null where rows are only added. */
  readonly changed: string | null;
  /** Expression for the tool's version, left out where the layout has no such thing; null where none has. */
  readonly version: string | null;
  /** Never throws, whatever the row holds. */
  read(this: void, row: Fields): readonly Sighting[];
  /** What a row is that gave no call. Never throws. */
  silence(this: void, row: Fields): Silence;
}

export type Reader = LineReader | DocumentReader | DatabaseReader;
