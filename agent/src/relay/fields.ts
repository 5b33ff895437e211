/** Fields that belong to one connection (RFC 9110 7.6.1) or to a proxy, and never go further. */
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

/**
 * End-to-end fields of a head, in the order sent. A request's `Host` becomes the authority of its target (RFC 9112
 * 3.2.2); an upgrade keeps the two fields that make it one, and a body of unknown length its framing.
 */
export function forwardedFields(
  rawHeaders: readonly string[],
  authority: string | null,
  upgrade: boolean,
): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    pairs.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  const nominated = new Set(
    pairs
      .filter(([name]) => name.toLowerCase() === "connection")
      .flatMap(([, value]) => value.split(","))
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== "host" && name !== "content-length"),
  );
  const chunked = pairs.some(([name]) => name.toLowerCase() === "transfer-encoding");
  const upgradeTo = pairs.find(([name]) => name.toLowerCase() === "upgrade")?.[1];
  const kept = pairs.filter(([name]) => {
    const lower = name.toLowerCase();
    return !hopByHop.has(lower) && !nominated.has(lower) && (authority === null || lower !== "host");
  });
  return [
    ...(authority === null ? [] : [["Host", authority] satisfies [string, string]]),
    ...kept,
    ...(chunked ? [["Transfer-Encoding", "chunked"] satisfies [string, string]] : []),
    ...(upgrade && upgradeTo !== undefined
      ? ([
          ["Connection", "Upgrade"],
          ["Upgrade", upgradeTo],
        ] satisfies [string, string][])
      : []),
  ];
}
