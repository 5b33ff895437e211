import { once } from "node:events";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { http, https } from "@flowstate/shared/net/http";

export interface Asked {
  readonly method?: "GET" | "POST";
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Ends the answer's body too. */
  readonly signal: AbortSignal;
}

/**
 * Asks for something on this program's own behalf, and resolves with the head of the answer, whose body has to be read
 * or let go (`resume`). Follows no redirect. Rejects with what Node says of the connection. In the place of `fetch`,
 * which costs a daemon 15 MB.
 */
export async function ask(
  url: URL,
  { method = "GET", headers = {}, body, signal }: Asked,
): Promise<IncomingMessage> {
  const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
  const request = (url.protocol === "https:" ? https : http).request(url, {
    method,
    headers: { ...headers, ...length },
    signal,
  });
  // What breaks after the head ends the body, and whoever reads that is told.
  request.on("error", () => undefined);
  request.end(body);
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  return answer;
}

/** The body as text. Rejects where it breaks off or has no end. */
export async function readText(answer: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`its answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
