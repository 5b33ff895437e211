/** Fields that belong to one connection (RFC 9110 7.6.1) or to the proxy itself, and never go further. */
const hopByHop = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
  "proxy-authorization",
  "proxy-authenticate",
  "proxy-authentication-info",
]);

export const pseudonym = "flowstate";

/**
 * End-to-end fields, in the order sent, without those that `Connection` nominates. A nomination of `Host` or of a
 * framing field is ignored: honouring it would let the peer change where a message ends. A `Proxy-Status` that
 * speaks in this proxy's name is not this proxy's, and goes.
 */
export function endToEndFields(rawHeaders: readonly string[]): [string, string][] {
  const pairs = fieldPairs(rawHeaders);
  const nominated = new Set(
    listValues(pairs, "connection").filter((name) => name !== "host" && name !== "content-length"),
  );
  return pairs.filter(([name, value]) => {
    const lower = name.toLowerCase();
    const ours = lower === "proxy-status" && value.toLowerCase().includes(pseudonym);
    return !hopByHop.has(lower) && !nominated.has(lower) && !ours;
  });
}

/** `rawHeaders` alternates names and values, as Node gives them. */
export function fieldPairs(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    pairs.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  return pairs;
}

/** Whether the peer will take trailer fields (RFC 9110 10.1.4). */
export function takesTrailers(rawHeaders: readonly string[]): boolean {
  return listValues(fieldPairs(rawHeaders), "te").includes("trailers");
}

/** `Via` with this proxy appended (RFC 9110 7.6.3); null when this proxy is in it already, which is a loop. */
export function appendVia(
  fields: readonly [string, string][],
  httpVersion: string,
): [string, string][] | null {
  const present = fields.filter(([name]) => name.toLowerCase() === "via").map(([, value]) => value);
  const seen = present
    .flatMap((value) => value.split(","))
    .some((hop) => hop.trim().split(/\s+/)[1] === pseudonym);
  if (seen) return null;
  const via = [...present, `${httpVersion} ${pseudonym}`].join(", ");
  return [...withoutField(fields, "via"), ["Via", via]];
}

export function withoutField(fields: readonly [string, string][], name: string): [string, string][] {
  return fields.filter(([one]) => one.toLowerCase() !== name);
}

function listValues(pairs: readonly [string, string][], name: string): string[] {
  return pairs
    .filter(([one]) => one.toLowerCase() === name)
    .flatMap(([, value]) => value.split(","))
    .map((value) => value.trim().toLowerCase());
}
