import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { Refusal } from "../reply.ts";
import { appendVia, endToEndFields, pseudonym, withoutField } from "./fields.ts";
import { takeHop } from "./max-forwards.ts";

/** An absolute-form request as it will stand before its origin. */
export interface OriginTarget {
  readonly to: HostPort;
  readonly authority: string;
  readonly path: string;
}

export type Onward =
  | { readonly kind: "onward"; readonly fields: [string, string][] }
  | { readonly kind: "answer"; readonly fields: [string, string][]; readonly body: string }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The fields that go on to the origin: end-to-end ones, `Via`, one hop less; `Host` from the target (RFC 9112 3.2.2). */
export function onwardFields(request: IncomingMessage, { authority }: OriginTarget): Onward {
  const hop = takeHop({
    method: request.method ?? "",
    target: request.url ?? "",
    httpVersion: request.httpVersion,
    fields: endToEndFields(request.rawHeaders),
  });
  if (hop.kind === "answer") return hop;
  if (hop.kind === "malformed") {
    const text = "max-forwards must be a whole number";
    return { kind: "refused", refusal: { status: 400, error: "http_protocol_error", text } };
  }
  const fields = appendVia(hop.fields, request.httpVersion);
  if (fields === null) {
    const text = "this request has been here before";
    return { kind: "refused", refusal: { status: 502, error: "proxy_loop_detected", text } };
  }
  return { kind: "onward", fields: [["Host", authority], ...withoutField(fields, "host")] };
}

/** Starts the request on a dialled socket, which serves no other. */
export function sendHead(
  request: IncomingMessage,
  socket: Socket,
  path: string,
  fields: readonly (readonly [string, string])[],
): ClientRequest {
  const upstream = httpRequest({
    method: request.method,
    path,
    createConnection: () => socket,
    headers: fields.flat(),
  });
  // What an origin does after its answer (bytes behind a 204, a reset) is nobody's concern any more.
  upstream.on("error", () => undefined);
  socket.on("error", () => undefined);
  return upstream;
}

/** The fields of an answer as the client gets them. */
export function answerFields(answer: IncomingMessage, keepTrailer: boolean): [string, string][] {
  const fields = endToEndFields(answer.rawHeaders);
  return [
    ...(keepTrailer ? fields : withoutField(fields, "trailer")),
    ["Via", `${answer.httpVersion} ${pseudonym}`],
  ];
}
