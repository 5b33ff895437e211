import { createReadStream, readFileSync } from "node:fs";
import { unreachable } from "@flowstate/shared/assert";
import type { FormatCount } from "../../ledger/formats.ts";
import { mergeSightings } from "../../normalise/merge.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import type { LogFile } from "./discover.ts";
import { parseFields, type Fields } from "./json.ts";
import { forMarkedLines, markedLines, wholeFile, type LinesRead } from "./lines.ts";
import type { LineReader } from "./reader.ts";
import { readerOf } from "./readers.ts";

/** How the reading of a log went. */
export interface LogReading {
  /** Rows that could not be read: broken JSON inside the file, or lines beyond any bound. */
  readonly broken: number;
  /** How far the rows that look like calls were understood; a version of the tool may stand more than once. */
  readonly formats: readonly FormatCount[];
}

/** A part of a log of lines, and where the next one begins. */
export interface SliceReading extends LogReading {
  readonly offset: number;
  /** Size of the lines read. */
  readonly bytes: number;
  readonly isEnd: boolean;
  /** What the reader knows there, as JSON. */
  readonly state: string;
}

/** Documents are read whole; one larger than this is no log. */
const largestDocument = 256 << 20;

/** Takes what a log tells of, a call at a time: a large log is never held in memory. */
export type OnSighting = (sighting: Sighting) => void;

/**
 * Reads a log from its beginning. Rows of one call that follow each other are passed on as one; others come as they
 * stand. Throws only what the operating system or SQLite says of the file itself.
 */
export async function readLog({ path, format, size }: LogFile, onSighting: OnSighting): Promise<LogReading> {
  const reader = readerOf(format);
  switch (reader.kind) {
    case "lines": {
      if (path.endsWith(".zst")) return readCompressed(path, reader, onSighting);
      const rows = readRows(reader, reader.start(path), onSighting);
      return rows.end(forMarkedLines(path, wholeFile, reader.marks, rows.onLine));
    }
    case "document": {
      const document = size > largestDocument ? undefined : parseDocument(readFileSync(path, "utf8"));
      if (document === undefined) return { broken: 1, formats: [] };
      const { sightings, answers, toolVersion } = reader.read(document, path);
      for (const sighting of sightings) onSighting(sighting);
      return { broken: 0, formats: [{ tool: reader.tool, toolVersion, host: null, ...answers }] };
    }
    case "database": {
      // Loaded only where there is a database: SQLite costs a scan more to start than a small log to read.
      const { readDatabase } = await import("./database.ts");
      const formats: FormatCount[] = [];
      for (const slice of readDatabase(reader, path, null, Date.now())) {
        for (const sighting of slice.sightings) onSighting(sighting);
        formats.push(...slice.formats);
      }
      return { broken: 0, formats };
    }
    default:
      return unreachable(reader);
  }
}

/** Reads whole lines from an offset on, about `mostBytes` of them, with what the reader knew there. */
export function readSlice(
  path: string,
  reader: LineReader,
  from: { readonly offset: number; readonly state: string | null },
  mostBytes: number,
  onSighting: OnSighting,
): SliceReading {
  const known = from.state === null ? null : parseFields(from.state);
  const state = { ...reader.start(path), ...known };
  const rows = readRows(reader, state, onSighting);
  const lines = forMarkedLines(path, { offset: from.offset, mostBytes }, reader.marks, rows.onLine);
  const reading = rows.end(lines);
  const { offset, isEnd } = lines;
  return { ...reading, offset, isEnd, bytes: offset - from.offset, state: JSON.stringify(state) };
}

/** Rows of a slice that stand for answers, whether or not their usage is understood. */
export function countAnswers(
  path: string,
  reader: LineReader,
  slice: { readonly offset: number; readonly bytes: number; readonly state: string },
): { readonly answers: number; readonly toolVersion: string | null } {
  const { answers: sign } = reader;
  if (sign === undefined) return { answers: 0, toolVersion: null };
  const state = { ...reader.start(path), ...parseFields(slice.state) };
  let answers = 0;
  let toolVersion: string | null = null;
  const before = { offset: slice.offset - slice.bytes, mostBytes: slice.bytes };
  forMarkedLines(path, before, [sign.mark], (buffer, start, end) => {
    const row = parseFields(buffer.toString("utf8", start, end));
    if (row === null || !sign.isAnswer(row)) return;
    answers += 1;
    toolVersion ??= reader.versionOf?.(row, state) ?? null;
  });
  return { answers, toolVersion };
}

async function readCompressed(path: string, reader: LineReader, onSighting: OnSighting): Promise<LogReading> {
  const rows = readRows(reader, reader.start(path), onSighting);
  const lines = markedLines(reader.marks, rows.onLine);
  const { createZstdDecompress } = await import("node:zlib");
  try {
    for await (const chunk of createReadStream(path).pipe(createZstdDecompress()) as AsyncIterable<Buffer>) {
      for (let from = 0; from < chunk.length;) {
        const copied = chunk.copy(lines.room(), 0, from);
        lines.fed(copied);
        from += copied;
      }
    }
  } catch (error) {
    // A file that is still being compressed ends in the middle of a frame; what came before is good.
    if (!isBrokenFrame(error)) throw error;
  }
  return rows.end(lines.end(0));
}

function isBrokenFrame(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(?:ZSTD|Z_)/.test(String(error.code));
}

function readRows(reader: LineReader, state: object, onSighting: OnSighting) {
  const skim = reader.skim?.();
  let last: Sighting | null = null;
  const formats: { tool: string; toolVersion: string | null; host: null; seen: number; blank: number }[] = [];
  let broken = 0;
  const count = (row: Fields, blank: 0 | 1): void => {
    const toolVersion = reader.versionOf?.(row, state) ?? null;
    let format = formats.at(-1);
    if (format === undefined || format.toolVersion !== toolVersion) {
      format = { tool: reader.tool, toolVersion, host: null, seen: 0, blank: 0 };
      formats.push(format);
    }
    format.seen += 1;
    format.blank += blank;
  };
  return {
    onLine(buffer: Buffer, start: number, end: number): void {
      if (skim?.isRepetition(buffer, start, end) === true) {
        const format = formats.at(-1);
        if (format !== undefined) format.seen += 1;
        return;
      }
      const row = skim?.brief(buffer, start, end) ?? parseFields(buffer.toString("utf8", start, end));
      if (row === null) {
        broken += 1;
        return;
      }
      const sightings = reader.read(row, state);
      for (const sighting of sightings) {
        if (last !== null && last.callId === sighting.callId) last = mergeSightings(last, sighting);
        else {
          if (last !== null) onSighting(last);
          last = sighting;
        }
      }
      if (sightings.length > 0) {
        count(row, 0);
        skim?.note(buffer);
      } else if (reader.answers?.isAnswer(row) === true) count(row, 1);
    },
    end({ skipped }: LinesRead): LogReading {
      if (last !== null) onSighting(last);
      return { broken: broken + skipped, formats };
    },
  };
}

function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
