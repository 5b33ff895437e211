/**
 * Answers counted, to notice a format that is no longer understood: what stands for an answer is known by its role or
 * kind and never by its counts. Of a log that is read again, only what has come since is counted.
 */
import { readCount } from "@flowstate/shared/tokens";
import type { FormatCounts } from "@flowstate/shared/wire/format";
import type { Sighting } from "../../normalise/sighting.ts";
import { fields } from "./json.ts";

/** What gave no usage: only an answer that is finished should have given some. */
export type Silence = "finished" | "open" | "no_answer";

export interface AnswersRead {
  readonly sightings: readonly Sighting[];
  /** Answers that gave usage, or are finished and gave none. */
  readonly answers: FormatCounts;
}

/** Reads the parts of a document, each of which is at most one answer. */
export function readAnswers<Part>(
  parts: readonly Part[],
  read: (part: Part, index: number) => readonly Sighting[],
  isFinished: (part: Part, index: number) => boolean,
): AnswersRead {
  const sightings = parts.map(read);
  const blank = parts.filter(
    (part, index) => sightings[index]?.length === 0 && isFinished(part, index),
  ).length;
  const understood = sightings.filter(({ length }) => length > 0).length;
  return { sightings: sightings.flat(), answers: { seen: understood + blank, blank } };
}

/** A document whose top level is not what its reader knows: what in it is an answer cannot be told. */
export function readForeign(document: unknown): AnswersRead {
  const count = isEmpty(document) ? 0 : 1;
  return { sightings: [], answers: { seen: count, blank: count } };
}

function isEmpty(document: unknown): boolean {
  if (document === null || document === "") return true;
  return typeof document === "object" && Object.keys(document).length === 0;
}

/** What has come since `before`. A log that its tool rewrites may also have lost some. */
export function growth(now: FormatCounts, before: FormatCounts): FormatCounts {
  const seen = Math.max(0, now.seen - before.seen);
  return { seen, blank: Math.min(seen, Math.max(0, now.blank - before.blank)) };
}

/** Counts as they were kept; none where something else stands. */
export function readCounts(kept: unknown): FormatCounts {
  const { seen, blank } = fields(kept);
  return { seen: readCount(seen) ?? 0, blank: readCount(blank) ?? 0 };
}
