import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";

export interface Forwarded {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The request as another handler shall see it: another address, other headers, a body that was read already. */
export function forward(request: IncomingMessage, { url, headers, body }: Forwarded): IncomingMessage {
  const { method, socket, httpVersion, httpVersionMajor, httpVersionMinor } = request;
  const bytes = Buffer.from(body);
  const stream: unknown = Object.assign(Readable.from(bytes.length === 0 ? [] : [bytes]), {
    method,
    socket,
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    url,
    headers: bytes.length === 0 ? headers : { ...headers, "content-length": String(bytes.length) },
  });
  return stream as IncomingMessage;
}
