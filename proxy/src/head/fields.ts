import type { Refusal } from "../reply.ts";

const mostFields = 100;

/** Values of a field in the order sent; `rawHeaders` alternates names and values, as Node gives them. */
export function fieldValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? "");
  }
  return values;
}

/** What any request is refused for before its target is read; null where nothing is wrong. */
export function checkHead(httpVersion: string, rawHeaders: readonly string[]): Refusal | null {
  if (rawHeaders.length > mostFields * 2) {
    const text = `the head has more than ${mostFields} fields`;
    return { status: 431, error: "http_protocol_error", text };
  }
  // Node's parser lets HTTP/0.9 and an HTTP/2.0 in HTTP/1 syntax through.
  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    return { status: 505, error: "http_protocol_error", text: "only HTTP/1.0 and HTTP/1.1 are spoken here" };
  }
  return null;
}
