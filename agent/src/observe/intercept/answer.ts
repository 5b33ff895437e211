import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import type { Transform } from "node:stream";
import { fields } from "../files/json.ts";
import type { Endpoint } from "./endpoint.ts";
import { eventStreamMessages } from "./framing/event-stream.ts";
import { jsonDocument, parse } from "./framing/document.ts";
import { jsonArrayItems } from "./framing/json-array.ts";
import { lineSplitter, type ByteSink } from "./framing/lines.ts";
import { serverSentEvents } from "./framing/sse.ts";
import { readInvokeHeaders, onlyMissing } from "./usage/bedrock.ts";
import { gather, withTokens, type Reading, type Said } from "./usage/reading.ts";
import type { HeaderLookup } from "./tool.ts";

/** Reads one answer from a copy of its bytes. */
export interface AnswerReader {
  write(chunk: Buffer): void;
  /** Everything that was said, once the copy is decoded. Never rejects. */
  end(): Promise<Reading>;
}

/**
 * How the answer is framed follows from its type; what carries no usage (pictures, sound) is not read at all. `hear` is
 * told each piece of text as it comes.
 */
export function readAnswer(
  endpoint: Endpoint,
  header: HeaderLookup,
  hear: ((said: readonly Said[]) => void) | null,
): AnswerReader {
  const gathering = gather(endpoint.fold, hear);
  const { take, stop, fail } = gathering;
  const takeWhole = (document: unknown): void => {
    take(document);
    stop();
  };
  const sink = framing(header("content-type") ?? "", {
    take,
    takeWhole: endpoint.isArray ? null : takeWhole,
    fail,
  });
  const decoded = sink === null ? null : decoding(header("content-encoding") ?? "", sink);
  return {
    write: (chunk) => decoded?.write(chunk),
    async end() {
      await decoded?.end();
      const { reading } = gathering;
      return endpoint.family === "bedrock"
        ? withTokens(reading, onlyMissing(reading.tokens, readInvokeHeaders(header)))
        : reading;
    },
  };
}

interface Takers {
  readonly take: (document: unknown) => void;
  /** Null where a JSON document is an array of events. */
  readonly takeWhole: ((document: unknown) => void) | null;
  readonly fail: () => void;
}

function framing(contentType: string, { take, takeWhole, fail }: Takers): ByteSink | null {
  const [type = ""] = contentType.toLowerCase().split(";", 1);
  const takeText = (text: string): void => {
    const document = text === "[DONE]" ? undefined : parse(text);
    if (document !== undefined) take(document);
  };
  switch (type.trim()) {
    case "text/event-stream":
      return serverSentEvents(takeText);
    case "application/vnd.amazon.eventstream":
      return eventStreamMessages(({ headers, payload }) => {
        if (headers.get(":message-type") === "event") takeText(innerEvent(headers, payload));
        else fail();
      });
    case "application/x-ndjson":
    case "application/stream+json":
    case "application/jsonl":
      return lineSplitter((line) => line !== null && line !== "" && takeText(line));
    case "application/json":
    case "":
      return takeWhole === null ? jsonArrayItems(takeText) : jsonDocument(takeWhole);
    default:
      return null;
  }
}

/** Bedrock wraps the vendor's own event as base64 in `chunk`; Converse events stand there as they are. */
function innerEvent(headers: ReadonlyMap<string, string>, payload: Buffer): string {
  const text = payload.toString("utf8");
  if (headers.get(":event-type") !== "chunk") return text;
  const { bytes } = fields(parse(text));
  return typeof bytes === "string" ? Buffer.from(bytes, "base64").toString("utf8") : text;
}

interface Decoding {
  write(chunk: Buffer): void;
  end(): Promise<void>;
}

const mostDecodedBytes = 256 << 20;

function decoding(encoding: string, sink: ByteSink): Decoding {
  const decoder = decoderFor(encoding.trim().toLowerCase());
  if (decoder === null) {
    return {
      write: sink.write,
      end: () => Promise.resolve(sink.end()),
    };
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  let decodedBytes = 0;
  const finish = (): void => {
    sink.end();
    resolve();
  };
  decoder.on("data", (chunk: Buffer) => {
    decodedBytes += chunk.length;
    if (decodedBytes > mostDecodedBytes) decoder.destroy();
    else sink.write(chunk);
  });
  // A stream that broke off cannot be decoded to its end; what came before has been read.
  decoder.once("error", finish);
  decoder.once("close", finish);
  return {
    write: (chunk) => void (decoder.writable && decoder.write(Buffer.from(chunk))),
    async end() {
      decoder.end();
      await promise;
    },
  };
}

function decoderFor(encoding: string): Transform | null {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "br":
      return createBrotliDecompress();
    case "zstd":
      return createZstdDecompress();
    case "deflate":
      return createInflate();
    default:
      return null;
  }
}
