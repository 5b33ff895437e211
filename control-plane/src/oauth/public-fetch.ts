import { BlockList, isIP } from "node:net";
import { Agent, fetch as undiciFetch } from "undici";
import { isPublicAddress, lookupAmong } from "../egress/public-address.ts";

/**
 * Asks a server that somebody named: TLS, public addresses and the private ones of `networks`, no redirects, five
 * seconds. Of bodies it sends forms alone.
 */
export function createPublicFetch(networks: BlockList = new BlockList()): typeof fetch {
  const mayReach = (address: string): boolean =>
    isPublicAddress(address) || networks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  const dispatcher = new Agent({
    connect: { lookup: lookupAmong(mayReach), timeout: 5000 },
    maxResponseSize: 100_000,
  });
  const ask: unknown = async (input: string | URL | Request, init: RequestInit = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    // A literal address never passes the resolver.
    const literal = url.hostname.replace(/^\[|\]$/g, "");
    if (url.protocol !== "https:" || (isIP(literal) !== 0 && !mayReach(literal))) {
      throw new Error(`${url.hostname} is no public host`);
    }
    const { method = "GET", headers, body } = init;
    return undiciFetch(url, {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      ...(body instanceof URLSearchParams ? { body: String(body) } : {}),
      dispatcher,
      redirect: "manual",
      signal: AbortSignal.timeout(5000),
    });
  };
  return ask as typeof fetch;
}
