import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { Dial } from "../dial/connect.ts";
import type { Increment } from "../meter/meter.ts";
import { refusalFields, type Refusal } from "../reply.ts";
import { appendVia, endToEndFields } from "./fields.ts";

export interface ForwardOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly to: HostPort;
  readonly authority: string;
  readonly path: string;
  readonly dial: Dial;
  /** Called with what was carried, once the exchange is over. */
  readonly meter: (increment: Increment) => void;
}

/**
 * Carries one absolute-form request to its origin and the answer back. `Host` is made from the request target
 * (RFC 9112 3.2.2). Returns the status that the client was given.
 */
export async function forward({
  request,
  response,
  to,
  authority,
  path,
  dial,
  meter,
}: ForwardOptions): Promise<number> {
  const fields = appendVia(endToEndFields(request.rawHeaders), request.httpVersion);
  if (fields === null)
    return refuseResponse(response, {
      status: 502,
      error: "proxy_loop_detected",
      text: "this request has been here before",
    });
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const dialled = await dial(to, gone.signal);
  if (dialled.kind === "refused") {
    meter({ failedTunnels: 1 });
    return refuseResponse(response, dialled.refusal);
  }
  const { socket } = dialled;
  response.once("close", () => socket.destroy());
  const chunked = request.headers["transfer-encoding"] !== undefined;
  const upstream = httpRequest({
    method: request.method,
    path,
    createConnection: () => socket,
    headers: [
      ["Host", authority],
      ...fields.filter(([name]) => name.toLowerCase() !== "host"),
      ...(chunked ? [["Transfer-Encoding", "chunked"] satisfies [string, string]] : []),
      ["Connection", "close"] satisfies [string, string],
    ].flat(),
  });
  const answered = Promise.withResolvers<IncomingMessage>();
  upstream.once("response", answered.resolve);
  upstream.once("error", answered.reject);
  // A target that answers before it has read the body ends the upload; its answer still counts.
  pipeline(request, upstream).catch(answered.reject);
  try {
    const answer = await answered.promise;
    const status = answer.statusCode ?? 502;
    response.writeHead(
      status,
      answer.statusMessage,
      [...endToEndFields(answer.rawHeaders), ["Via", `${answer.httpVersion} flowstate`]].flat(),
    );
    await pipeline(answer, response);
    return status;
  } catch {
    if (response.headersSent) {
      response.destroy();
      return response.statusCode;
    }
    return refuseResponse(response, {
      status: 502,
      error: "http_protocol_error",
      text: `${authority} gave no HTTP answer`,
    });
  } finally {
    meter({ requests: 1, bytesUp: socket.bytesWritten, bytesDown: socket.bytesRead });
    socket.destroy();
  }
}

export function refuseResponse(response: ServerResponse, refusal: Refusal): number {
  response.writeHead(refusal.status, refusalFields(refusal).flat());
  response.end(`${refusal.text}\n`);
  return refusal.status;
}
