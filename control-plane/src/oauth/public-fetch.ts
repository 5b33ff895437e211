import { lookup as systemLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { Agent, fetch as undiciFetch } from "undici";

/** Addresses that are no public place (IANA special-purpose registries, RFC 6890). */
const special = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  special.addSubnet(network, prefix, "ipv4");
}
// Only 2000::/3 is global unicast; of it these are tunnels and documentation.
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  special.addSubnet(network, prefix, "ipv6");
}
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  return family === 6 && globalUnicast.check(address, "ipv6") && !special.check(address, "ipv6");
}

/** Resolves as the system does and hands on an address only where every one of the name's is public. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "");
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      return callback(new Error(`${hostname} is no public host`), "");
    }
    return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family);
  });
};

/** Fetches a document that a stranger named: TLS, public addresses, no redirects, five seconds. */
export function createPublicFetch(): typeof fetch {
  const dispatcher = new Agent({
    connect: { lookup: publicLookup, timeout: 5000 },
    maxResponseSize: 100_000,
  });
  const get: unknown = async (input: string | URL | Request, init: RequestInit = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    // A literal address never passes the resolver.
    const literal = url.hostname.replace(/^\[|\]$/g, "");
    if (url.protocol !== "https:" || (isIP(literal) !== 0 && !isPublicAddress(literal))) {
      throw new Error(`${url.hostname} is no public host`);
    }
    const { method = "GET", headers } = init;
    return undiciFetch(url, {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      dispatcher,
      redirect: "manual",
      signal: AbortSignal.timeout(5000),
    });
  };
  return get as typeof fetch;
}
