import { createReadStream, readFileSync } from "node:fs";
import { createZstdDecompress } from "node:zlib";
import { unreachable } from "@flowstate/shared/assert";
import type { FormatCount } from "../../ledger/formats.ts";
import { callSet } from "../../normalise/call-set.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import type { LogFile } from "./discover.ts";
import { parseFields, type Fields } from "./json.ts";
import { forMarkedLines, markedLines, wholeFile, type LinesRead } from "./lines.ts";
import type { LineReader } from "./reader.ts";

/** What one log tells of. */
export interface LogReading {
  /** One sighting a call: what the rows of one call say together. */
  readonly sightings: readonly Sighting[];
  /** Rows that could not be read: broken JSON inside the file, or lines beyond any bound. */
  readonly broken: number;
  /** How far the rows that look like calls were understood, by version of the tool. */
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

/** Reads a log from its beginning. Throws only what the operating system or SQLite says of the file itself. */
export async function readLog({ path, reader, size }: LogFile): Promise<LogReading> {
  switch (reader.kind) {
    case "lines": {
      if (path.endsWith(".zst")) return readCompressed(path, reader);
      const rows = collect(reader, reader.start(path));
      return rows.end(forMarkedLines(path, wholeFile, reader.marks, rows.onLine));
    }
    case "document":
      return size > largestDocument ? { ...nothing, broken: 1 } : readDocument(path, reader.read);
    case "database":
      // Loaded only where there is a database: SQLite costs a scan more to start than a small log to read.
      return { ...nothing, sightings: (await import("./database.ts")).readDatabase(reader, path) };
    default:
      return unreachable(reader);
  }
}

const nothing: LogReading = { sightings: [], broken: 0, formats: [] };

/** Reads whole lines from an offset on, about `mostBytes` of them, with what the reader knew there. */
export function readSlice(
  path: string,
  reader: LineReader,
  from: { readonly offset: number; readonly state: string | null },
  mostBytes: number,
): SliceReading {
  const known = from.state === null ? null : parseFields(from.state);
  const state = { ...reader.start(path), ...known };
  const rows = collect(reader, state);
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

async function readCompressed(path: string, reader: LineReader): Promise<LogReading> {
  const rows = collect(reader, reader.start(path));
  const lines = markedLines(reader.marks, rows.onLine);
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

function collect(reader: LineReader, state: object) {
  const calls = callSet();
  const formats = new Map<string | null, FormatCount>();
  let broken = 0;
  const count = (row: Fields, blank: 0 | 1): void => {
    const toolVersion = reader.versionOf?.(row, state) ?? null;
    const known = formats.get(toolVersion) ?? { tool: reader.tool, toolVersion, seen: 0, blank: 0 };
    formats.set(toolVersion, { ...known, seen: known.seen + 1, blank: known.blank + blank });
  };
  return {
    onLine(buffer: Buffer, start: number, end: number): void {
      const row = parseFields(buffer.toString("utf8", start, end));
      if (row === null) {
        broken += 1;
        return;
      }
      const sightings = reader.read(row, state);
      for (const sighting of sightings) calls.add(sighting);
      if (sightings.length > 0) count(row, 0);
      else if (reader.answers?.isAnswer(row) === true) count(row, 1);
    },
    end: ({ skipped }: LinesRead): LogReading => ({
      sightings: [...calls.calls()],
      broken: broken + skipped,
      formats: [...formats.values()],
    }),
  };
}

function readDocument(
  path: string,
  read: (document: unknown, file: string) => readonly Sighting[],
): LogReading {
  const document = parseDocument(readFileSync(path, "utf8"));
  return document === undefined ? { ...nothing, broken: 1 } : { ...nothing, sightings: read(document, path) };
}

function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
