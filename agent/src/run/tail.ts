import { hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { fewestBlank } from "@flowstate/shared/wire/format";
import type { FormatCount } from "../ledger/formats.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { stampOf, type LogCursor } from "../ledger/logs.ts";
import type { Sighting } from "../normalise/sighting.ts";
import { growth, readCounts } from "../observe/files/answers.ts";
import { readDatabase } from "../observe/files/database.ts";
import { explore, type LogFile } from "../observe/files/discover.ts";
import { parseFields } from "../observe/files/json.ts";
import { countAnswers, readLog, readSlice, type SliceReading } from "../observe/files/read.ts";
import type { LineReader } from "../observe/files/reader.ts";
import { readerOf } from "../observe/files/readers.ts";
import { sourcesOf, type Home } from "../observe/files/sources.ts";

export interface TailReport {
  /** Logs of which something was read, because they are new or have changed. */
  readonly read: number;
  /** Lines that no reader understood, and logs that failed. */
  readonly broken: number;
  /** Logs that could not be read or kept, and are to be tried again soon. */
  readonly failed: number;
  /** Folders that hold logs, and those that may one day. */
  readonly folders: readonly string[];
  readonly missing: readonly string[];
}

export interface Tail {
  /** Looks at every log once and reads what is new in it. */
  look(signal: AbortSignal): Promise<TailReport>;
}

/** Between slices of this size everything else gets its turn, and what was read is kept. */
const sliceBytes = 1 << 20;
/** A log that is gone for so long is forgotten: a folder on a network may be away for a while. */
const forgetMs = 86_400_000;

/**
 * Follows logs. A log that has grown is read from where its last whole line ended, known by the file itself (device and
 * inode) and by what lies before that place; one that was cut, rewritten or replaced is read from its beginning, and
 * the ledger makes one call of both readings. Answers that were understood or not are counted once: of a document, which
 * is read whole each time, those that have come since. A newer agent reads again what the one before did not understand.
 */
export function createTail(machine: Home, ledger: Ledger, now: () => number): Tail {
  const sources = sourcesOf(machine);
  ledger.logs.forgetMisread();
  const stamps = new Map(ledger.logs.stamps());
  const goneSince = new Map<string, number>();

  return {
    async look(signal) {
      const { files, folders, missing } = explore(sources);
      let read = 0;
      let broken = 0;
      let failed = 0;
      for (const file of files) {
        if (signal.aborted) break;
        const key = keyOf(file);
        const stamp = stampOf(file);
        if (stamps.get(key) === stamp) continue;
        try {
          broken += await follow(file, key, ledger, now, signal);
          // A reading that was broken off goes on where it stopped.
          if (!signal.aborted) stamps.set(key, stamp);
          read += 1;
        } catch {
          failed += 1;
        }
        await breathe();
      }
      if (!signal.aborted) forgetGone(files);
      return { read, broken: broken + failed, failed, folders, missing };
    },
  };

  function forgetGone(files: readonly LogFile[]): void {
    if (files.length === stamps.size && goneSince.size === 0) return;
    const present = new Set(files.map(keyOf));
    for (const key of stamps.keys()) {
      if (present.has(key)) {
        goneSince.delete(key);
        continue;
      }
      const since = goneSince.get(key) ?? now();
      goneSince.set(key, since);
      if (now() - since < forgetMs) continue;
      ledger.logs.forget(key);
      stamps.delete(key);
      goneSince.delete(key);
    }
  }
}

/**
 * Names a log: by the file itself, which rotation renames; a document by its path, for each rewriting may make a new file
 * of it. Joined, not added up: thousands of these are kept, and V8 keeps the parts of a sum beside it.
 */
function keyOf({ format, path, device, inode }: LogFile): string {
  return format.kind === "document" ? path : [device, inode].join(":");
}

/** Reads what is new in a log; the rows that nobody understood. */
async function follow(
  file: LogFile,
  key: string,
  ledger: Ledger,
  now: () => number,
  signal: AbortSignal,
): Promise<number> {
  const { path, size, modifiedMs, format } = file;
  const reader = readerOf(format);
  const start = { path, tool: reader.tool, size, modifiedMs, offset: 0, mark: null, state: null, silent: 0 };
  if (reader.kind === "database") {
    // A database that has changed while it was read stands as it was found, and is read again.
    for (const slice of readDatabase(reader, path, ledger.logs.cursor(key)?.state ?? null, now())) {
      ledger.transact(() => {
        ledger.calls.note(slice.sightings, now());
        ledger.formats.add("session-log", slice.formats, now());
        ledger.logs.put(key, { ...start, modifiedMs: 0, state: slice.state });
      });
      await breathe();
      if (signal.aborted) return 0;
    }
    ledger.logs.put(key, { ...start, state: ledger.logs.cursor(key)?.state ?? null });
    return 0;
  }
  if (reader.kind === "document" || path.endsWith(".zst")) {
    const sightings: Sighting[] = [];
    const { broken, formats } = await readLog(file, (sighting) => sightings.push(sighting));
    const before = ledger.logs.cursor(key)?.state ?? null;
    const told = reader.kind === "document" ? answersSince(formats, before) : { formats, state: null };
    ledger.transact(() => {
      ledger.calls.note(sightings, now());
      ledger.formats.add("session-log", told.formats, now());
      ledger.logs.put(key, { ...start, state: told.state });
    });
    return broken;
  }
  let cursor = startAgain(ledger.logs.cursor(key), file) ?? start;
  let broken = 0;
  for (;;) {
    const sightings: Sighting[] = [];
    const slice = readSlice(path, reader, cursor, sliceBytes, (sighting) => sightings.push(sighting));
    const { silent, formats } = hush(path, reader, slice, cursor.silent, sightings.length > 0);
    const next: LogCursor = {
      path,
      tool: reader.tool,
      // Only a log that was read to its end stands as it was found.
      size: slice.isEnd ? size : slice.offset,
      modifiedMs: slice.isEnd ? modifiedMs : 0,
      offset: slice.offset,
      mark: markBefore(path, slice.offset),
      state: slice.state,
      silent,
    };
    ledger.transact(() => {
      ledger.calls.note(sightings, now());
      ledger.formats.add("session-log", formats, now());
      ledger.logs.put(key, next);
    });
    cursor = next;
    broken += slice.broken;
    if (slice.isEnd || signal.aborted) return broken;
    await breathe();
  }
}

/** Answers that have come to a document since it was read last, and all of them as they are kept until the next time. */
function answersSince(
  [format]: readonly FormatCount[],
  before: string | null,
): { readonly formats: readonly FormatCount[]; readonly state: string | null } {
  // A document that cannot be read, because it is being written, says nothing of its answers.
  if (format === undefined) return { formats: [], state: before };
  const { seen, blank } = format;
  const fresh = growth(format, readCounts(before === null ? null : parseFields(before)));
  return { formats: fresh.seen > 0 ? [{ ...format, ...fresh }] : [], state: JSON.stringify({ seen, blank }) };
}

/** The cursor, where the file still holds before it what it held then; null where it must be read from its beginning. */
function startAgain(cursor: LogCursor | null, { path, size }: LogFile): LogCursor | null {
  if (cursor === null || cursor.state === null || size < cursor.offset) return null;
  return cursor.mark === markBefore(path, cursor.offset) ? cursor : null;
}

const headBytes = 4096;
const edgeBytes = 256;
/** Used again for every file: thousands of buffers in a row leave a heap full of holes. */
const scratch = Buffer.alloc(headBytes + edgeBytes);

/** Names the beginning of a file and what lies just before an offset. */
function markBefore(path: string, offset: number): string {
  const descriptor = openSync(path, "r");
  try {
    const head = scratch.subarray(0, Math.min(headBytes, offset)).fill(0);
    const edge = scratch.subarray(head.length, head.length + Math.min(edgeBytes, offset)).fill(0);
    const read =
      readSync(descriptor, head, 0, head.length, 0) +
      readSync(descriptor, edge, 0, edge.length, offset - edge.length);
    const both = scratch.subarray(0, head.length + edge.length);
    return `${read}.${hash("sha256", both, "hex").slice(0, 32)}`;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Notices a log whose answers give no calls any more. Answers and their usage may stand in different slices, so only a
 * long run of answers without a call between them tells.
 */
function hush(
  path: string,
  reader: LineReader,
  slice: SliceReading,
  silentBefore: number,
  hasCalls: boolean,
): { readonly silent: number; readonly formats: readonly FormatCount[] } {
  if (slice.formats.length > 0 || slice.bytes === 0) {
    return { silent: hasCalls ? 0 : silentBefore, formats: slice.formats };
  }
  const { answers, toolVersion } = countAnswers(path, reader, slice);
  const silent = silentBefore + answers;
  if (silent < fewestBlank || answers === 0) return { silent, formats: [] };
  const fresh = silentBefore < fewestBlank ? silent : answers;
  return { silent, formats: [{ tool: reader.tool, toolVersion, host: null, seen: fresh, blank: fresh }] };
}
