import { CsvError, parse, type Info } from "csv-parse";
import { Readable } from "node:stream";
import { FlowstateError } from "@flowstate/shared/errors";

/** One record of a CSV file (RFC 4180), with the line on which it begins; the first line is 1. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Gives the file's bytes from the start, each time it is called. */
export type OpenFile = () => AsyncIterable<Uint8Array>;

/** What one file may hold. A month of the largest FOCUS export that we know has 40 MB. */
export const fileLimits = { bytes: 256 * 1024 * 1024, records: 500_000, recordChars: 1024 * 1024 } as const;

/** Separators in use; the one that the first line has most of is the file's. */
const separators = [",", ";", "\t"] as const;
export type Separator = (typeof separators)[number];

/** The separator of a file by its first line. */
export function detectSeparator(firstLine: string): Separator {
  const bare = firstLine.replace(/"[^"]*"/g, "");
  const counts = separators.map((separator) => ({ separator, count: bare.split(separator).length }));
  return counts.reduce((best, each) => (each.count > best.count ? each : best)).separator;
}

/**
 * Records of a CSV file in UTF-8, as they are read. Throws FS_INPUT_INVALID where it is no such file, FS_TOO_LARGE
 * where it holds more than `fileLimits`.
 */
export async function* readCsv(open: OpenFile): AsyncGenerator<CsvRecord> {
  const separator = detectSeparator(await firstLineOf(open));
  const parser = parse({
    bom: true,
    delimiter: separator,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: fileLimits.recordChars,
  });
  const text = Readable.from(decode(open()));
  text.on("error", (error) => parser.destroy(error));
  text.pipe(parser);
  let count = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      count += 1;
      if (count > fileLimits.records + 1) {
        throw new FlowstateError("FS_TOO_LARGE", `the file has more than ${fileLimits.records} lines`);
      }
      yield { line: info.lines - newlinesIn(record), cells: record };
    }
  } catch (error) {
    throw error instanceof CsvError
      ? new FlowstateError("FS_INPUT_INVALID", explain(error), { cause: error })
      : error;
  } finally {
    text.destroy();
  }
}

async function* decode(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > fileLimits.bytes) {
      throw new FlowstateError("FS_TOO_LARGE", `the file is larger than ${fileLimits.bytes} bytes`);
    }
    yield decodeOrRefuse(() => decoder.decode(chunk, { stream: true }));
  }
  yield decodeOrRefuse(() => decoder.decode());
}

function decodeOrRefuse(run: () => string): string {
  try {
    return run();
  } catch (error) {
    throw new FlowstateError("FS_INPUT_INVALID", "the file is not text in UTF-8; export it as CSV UTF-8", {
      cause: error,
    });
  }
}

async function firstLineOf(open: OpenFile): Promise<string> {
  let text = "";
  for await (const piece of decode(open())) {
    text += piece;
    const end = text.search(/[\r\n]/);
    if (end >= 0) return text.slice(0, end);
    if (text.length > fileLimits.recordChars) break;
  }
  return text;
}

function newlinesIn(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + (cell.includes("\n") ? cell.split("\n").length - 1 : 0), 0);
}

function explain(error: CsvError): string {
  const line = typeof error["lines"] === "number" ? `line ${error["lines"]}: ` : "";
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return `${line}a quotation mark is not closed`;
    case "INVALID_OPENING_QUOTE":
      return `${line}a quotation mark stands inside a cell that does not begin with one`;
    case "CSV_MAX_RECORD_SIZE":
      return `${line}a record is longer than ${fileLimits.recordChars} characters`;
    default:
      return `${line}not a CSV record: ${error.message.slice(0, 200)}`;
  }
}
