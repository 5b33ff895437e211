import {
  connect,
  constants,
  performServerHandshake,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { refusalAnswer } from "../../policy/refuse.ts";
import type { Exchange } from "./exchange.ts";
import { mostRequestBytes } from "./request.ts";
import type { HeaderLookup } from "./tool.ts";
import type { Watch } from "./watch.ts";

const windowBytes = 4 << 20;
const settings = { enablePush: false, initialWindowSize: windowBytes };
const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM } = constants;

/**
 * Carries the streams of one HTTP/2 connection to one of its own upstream, each stream with its resets, trailers and
 * interim answers, and reads beside them.
 */
export function carryHttp2(client: TLSSocket, upstream: TLSSocket, host: string, watch: Watch): void {
  const down = performServerHandshake(client, { settings });
  const up = connect(`https://${host}`, { createConnection: () => upstream, settings });
  linkSessions(down, up);
  for (const session of [down, up]) session.once("connect", () => session.setLocalWindowSize(windowBytes));
  down.on("stream", (stream, headers, flags) => {
    const isEmpty = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    const path = headers[":path"] ?? "";
    const exchange = watch.open(headers[":method"] ?? "", path, lookup(headers));
    stream.on("error", () => undefined);
    if (exchange !== null && watch.decides) void judge(stream, headers, exchange, up, watch);
    else carryStream({ stream, headers, isEmpty, exchange, up, watch, first: [] });
  });
}

function linkSessions(down: ServerHttp2Session, up: ClientHttp2Session): void {
  for (const [one, other] of [
    [down, up],
    [up, down],
  ] as const) {
    one.on("error", () => undefined);
    one.on("goaway", () => other.close());
    one.once("close", () => other.close());
  }
}

/** Holds a call's body until the policy has spoken. */
async function judge(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  exchange: Exchange,
  up: ClientHttp2Session,
  watch: Watch,
): Promise<void> {
  const first: Buffer[] = [];
  let bytes = 0;
  let isEmpty = true;
  const { promise, resolve } = Promise.withResolvers<void>();
  const onData = (chunk: Buffer): void => {
    first.push(chunk);
    exchange.requestBody(chunk);
    bytes += chunk.length;
    if (bytes <= mostRequestBytes) return;
    isEmpty = false;
    stream.pause();
    resolve();
  };
  stream.on("data", onData);
  stream.once("end", resolve);
  stream.once("close", resolve);
  await promise;
  stream.off("data", onData);
  const refusal = await watch.refusal(exchange);
  if (stream.destroyed) return;
  if (refusal === null) return carryStream({ stream, headers, isEmpty, exchange, up, watch, first });
  const { status, headers: fields, body } = refusalAnswer(refusal.call, refusal.verdict);
  stream.respond({ ":status": status, ...Object.fromEntries(fields) });
  stream.end(body);
}

interface Carried {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** No more of the request's body will come than `first`. */
  readonly isEmpty: boolean;
  readonly exchange: Exchange | null;
  readonly up: ClientHttp2Session;
  readonly watch: Watch;
  readonly first: readonly Buffer[];
}

function carryStream({ stream, headers, isEmpty, exchange, up, watch, first }: Carried): void {
  if (up.closed || up.destroyed) return stream.close(NGHTTP2_REFUSED_STREAM);
  const request = up.request(headers, { endStream: isEmpty && first.length === 0 });
  request.on("error", () => undefined);
  for (const chunk of first) request.write(chunk);
  if (isEmpty) request.end();
  else {
    stream.on("data", (chunk: Buffer) => exchange?.requestBody(chunk));
    stream.pipe(request);
  }
  carryAnswer(request, stream, exchange);
  linkResets(stream, request);
  request.once("close", () => {
    if (exchange !== null) watch.finish(exchange, request.readableEnded && request.rstCode === 0);
  });
}

function carryAnswer(request: ClientHttp2Stream, stream: ServerHttp2Stream, exchange: Exchange | null): void {
  let trailers: IncomingHttpHeaders = {};
  request.on("headers", (interim) => void (stream.destroyed || stream.additionalHeaders(interim)));
  request.on("trailers", (fields) => void (trailers = fields));
  request.once("response", (answer, flags) => {
    exchange?.answerHead(answer[":status"] ?? 0, lookup(answer));
    if (stream.destroyed) return;
    const endStream = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(answer, { endStream, waitForTrailers: !endStream });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    request.on("data", (chunk: Buffer) => {
      if (!stream.destroyed && !stream.write(chunk)) {
        request.pause();
        stream.once("drain", () => request.resume());
      }
      exchange?.answerBody(chunk);
    });
    request.on("end", () => stream.end());
  });
}

function linkResets(stream: ServerHttp2Stream, request: ClientHttp2Stream): void {
  const pairs: readonly (readonly [
    ServerHttp2Stream | ClientHttp2Stream,
    Duplex & { close(code: number): void },
  ])[] = [
    [stream, request],
    [request, stream],
  ];
  for (const [one, other] of pairs) {
    one.once("close", () => {
      if (other.destroyed) return;
      if (one.rstCode !== 0) other.close(one.rstCode ?? NGHTTP2_CANCEL);
      else if (!one.readableEnded) other.close(NGHTTP2_CANCEL);
    });
  }
}

function lookup(headers: IncomingHttpHeaders): HeaderLookup {
  return (name) => {
    const value = headers[name];
    return value === undefined ? null : Array.isArray(value) ? value.join(", ") : value;
  };
}
