import { unreachable } from "@flowstate/shared/assert";
import { createReadStream, readFileSync } from "node:fs";
import { createZstdDecompress } from "node:zlib";
import { callSet } from "../../normalise/call-set.ts";
import type { Sighting } from "../../normalise/sighting.ts";

import type { LogFile } from "./discover.ts";
import { parseFields } from "./json.ts";
import { forMarkedLines, markedLines } from "./lines.ts";
import type { LineReader } from "./reader.ts";

/** What one log tells of. */
export interface LogReading {
  /** One sighting a call: what the rows of one call say together. */
  readonly sightings: readonly Sighting[];
  /** Rows that could not be read: broken JSON inside the file, or lines beyond any bound. */
  readonly broken: number;
}

/** Documents are read whole; one larger than this is no log. */
const largestDocument = 256 << 20;

/** Reads a log from its beginning. Throws only what the operating system or SQLite says of the file itself. */
export async function readLog({ path, reader, size }: LogFile): Promise<LogReading> {
  switch (reader.kind) {
    case "lines":
      return path.endsWith(".zst") ? readCompressed(path, reader) : readLines(path, reader);
    case "document":
      return size > largestDocument ? { sightings: [], broken: 1 } : readDocument(path, reader.read);
    case "database":
      // Loaded only where there is a database: SQLite costs a scan more to start than a small log to read.
      return { sightings: (await import("./database.ts")).readDatabase(reader, path), broken: 0 };
    default:
      return unreachable(reader);
  }
}

function readLines(path: string, reader: LineReader): LogReading {
  const rows = collect(path, reader);
  const { skipped } = forMarkedLines(path, 0, reader.marks, rows.onLine);
  return rows.end(skipped);
}

async function readCompressed(path: string, reader: LineReader): Promise<LogReading> {
  const rows = collect(path, reader);
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
  return rows.end(lines.end(0).skipped);
}

function isBrokenFrame(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(?:ZSTD|Z_)/.test(String(error.code));
}

function collect(path: string, reader: LineReader) {
  const state = reader.start(path);
  const calls = callSet();
  let broken = 0;
  return {
    onLine(buffer: Buffer, start: number, end: number): void {
      const row = parseFields(buffer.toString("utf8", start, end));
      if (row === null) {
        broken += 1;
        return;
      }
      for (const sighting of reader.read(row, state)) calls.add(sighting);
    },
    end: (skipped: number): LogReading => ({ sightings: [...calls.calls()], broken: broken + skipped }),
  };
}

function readDocument(
  path: string,
  read: (document: unknown, file: string) => readonly Sighting[],
): LogReading {
  const document = parseDocument(readFileSync(path, "utf8"));
  return document === undefined
    ? { sightings: [], broken: 1 }
    : { sightings: read(document, path), broken: 0 };
}

function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
