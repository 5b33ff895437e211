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
 * framing field is ignored: honouring it would let the peer change where a message ends.
 */
export function endToEndFields(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    pairs.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  const nominated = new Set(
    pairs
      .filter(([name]) => name.toLowerCase() === "connection")
      .flatMap(([, value]) => value.split(","))
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== "host" && name !== "content-length"),
  );
  return pairs.filter(([name]) => !hopByHop.has(name.toLowerCase()) && !nominated.has(name.toLowerCase()));
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
  return [...fields.filter(([name]) => name.toLowerCase() !== "via"), ["Via", via]];
}
