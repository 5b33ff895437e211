import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Dial } from "../dial/connect.ts";
import type { Increment } from "../meter/meter.ts";
import { refusalFields, type Refusal } from "../reply.ts";
import { fieldPairs, takesTrailers, withoutField } from "./fields.ts";
import { answerFields, onwardFields, sendHead, type OriginTarget } from "./origin.ts";

export interface ForwardOptions extends OriginTarget {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client waits for 100 before it sends its body (RFC 9110 10.1.1): only the origin can say so. */
  readonly expectsContinue: boolean;
  readonly dial: Dial;
  /** Called with what was carried, once the exchange is over. */
  readonly meter: (increment: Increment) => void;
}

export interface Forwarded {
  readonly status: number;
  /** What the proxy answered by itself; null where the answer is the origin's. */
  readonly refusal: Refusal | null;
}

/** Carries one absolute-form request to its origin and the answer back, with the trailers of both. Never rejects. */
export async function forward(options: ForwardOptions): Promise<Forwarded> {
  const { request, response, to, authority, path, dial, meter } = options;
  const refuse = (refusal: Refusal): Forwarded => {
    request.resume();
    return { status: refuseResponse(response, refusal), refusal };
  };
  const onward = onwardFields(request, options);
  if (onward.kind === "refused") return refuse(onward.refusal);
  if (onward.kind === "answer") {
    request.resume();
    response.writeHead(200, onward.fields.flat()).end(onward.body);
    return { status: 200, refusal: null };
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const dialled = await dial(to, gone.signal);
  if (dialled.kind === "refused") {
    meter({ failedTunnels: 1 });
    return refuse(dialled.refusal);
  }
  const { socket } = dialled;
  response.once("close", () => socket.destroy());
  const upstream = sendHead(request, socket, path, [
    ...(isChunked(request) ? onward.fields : withoutField(onward.fields, "trailer")),
    ...framingOf(request),
  ]);
  relayInterim(upstream, response, options.expectsContinue);
  try {
    const answer = await exchangeBody(request, upstream);
    await relayAnswer(request, answer, response);
    return { status: response.statusCode, refusal: null };
  } catch {
    if (!response.headersSent) {
      const text = `${authority} gave no HTTP answer`;
      return refuse({ status: 502, error: "http_protocol_error", text });
    }
    // A body that broke off must not look complete.
    response.destroy();
    return { status: response.statusCode, refusal: null };
  } finally {
    meter({ requests: 1, bytesUp: socket.bytesWritten, bytesDown: socket.bytesRead });
    socket.destroy();
  }
}

function framingOf(request: IncomingMessage): [string, string][] {
  const trailers = takesTrailers(request.rawHeaders);
  return [
    ...(isChunked(request) ? [["Transfer-Encoding", "chunked"] satisfies [string, string]] : []),
    ...(trailers ? [["TE", "trailers"] satisfies [string, string]] : []),
    ["Connection", trailers ? "close, TE" : "close"],
  ];
}

function isChunked({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined;
}

/** Passes 100 on to a client that waits for it, and 102 and 103 as they come (RFC 9110 15.2). */
function relayInterim(upstream: ClientRequest, response: ServerResponse, expectsContinue: boolean): void {
  if (expectsContinue) upstream.once("continue", () => response.writeContinue());
  upstream.on("information", ({ statusCode, headers: { link } }) => {
    if (statusCode === 102) response.writeProcessing();
    if (statusCode === 103 && link !== undefined) response.writeEarlyHints({ link });
  });
}

/** Sends the body and its trailers. A target that answers before it has read the body ends the upload; its answer still counts. */
async function exchangeBody(request: IncomingMessage, upstream: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  upstream.once("response", resolve);
  upstream.once("error", reject);
  sendBody(request, upstream).catch(reject);
  return promise;
}

async function sendBody(request: IncomingMessage, upstream: ClientRequest): Promise<void> {
  await pipeline(request, upstream, { end: false });
  if (isChunked(request)) upstream.addTrailers(fieldPairs(request.rawTrailers));
  upstream.end();
}

async function relayAnswer(
  request: IncomingMessage,
  answer: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const trailers =
    isChunked(answer) &&
    request.httpVersion === "1.1" &&
    request.method !== "HEAD" &&
    takesTrailers(request.rawHeaders);
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answerFields(answer, trailers).flat());
  await pipeline(answer, response, { end: false });
  if (trailers) response.addTrailers(fieldPairs(answer.rawTrailers));
  response.end();
}

export function refuseResponse(response: ServerResponse, refusal: Refusal): number {
  response.writeHead(refusal.status, refusalFields(refusal).flat());
  response.end(`${refusal.text}\n`);
  return refusal.status;
}
