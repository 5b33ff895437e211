import { Resolver } from "node:dns/promises";
import { systemCode } from "@flowstate/shared/errors";

export interface Resolved {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Resolution =
  | { readonly kind: "found"; readonly addresses: readonly Resolved[] }
  | { readonly kind: "failed"; readonly rcode: string }
  | { readonly kind: "timeout" };

export type Resolve = (host: string) => Promise<Resolution>;

const queryMs = 2000;
const tries = 2;
const leastCacheMs = 1000;
const mostCacheMs = 60_000;
const mostCached = 10_000;

/**
 * Asks DNS for both families at once and keeps answers for as long as they live, one minute at most. Never the
 * thread pool's getaddrinfo: a slow name server must not stall file and key work, and it reads `127.1` as an address.
 */
export function createResolver(servers: readonly string[] = [], now: () => number = Date.now): Resolve {
  const resolver = new Resolver({ timeout: queryMs, tries });
  if (servers.length > 0) resolver.setServers([...servers]);
  const cache = new Map<string, { readonly answer: Promise<Resolution>; until: number }>();
  return (host) => {
    const known = cache.get(host);
    if (known !== undefined && known.until > now()) return known.answer;
    if (cache.size >= mostCached) cache.clear();
    const entry = {
      answer: Promise.resolve<Resolution>({ kind: "timeout" }),
      until: Number.POSITIVE_INFINITY,
    };
    entry.answer = ask(resolver, host).then(({ resolution, ttlMs }) => {
      entry.until = now() + ttlMs;
      return resolution;
    });
    cache.set(host, entry);
    return entry.answer;
  };
}

async function ask(resolver: Resolver, host: string): Promise<{ resolution: Resolution; ttlMs: number }> {
  const [v6, v4] = await Promise.allSettled([
    resolver.resolve6(host, { ttl: true }),
    resolver.resolve4(host, { ttl: true }),
  ]);
  const records = [
    ...(v6.status === "fulfilled"
      ? v6.value.map(({ address, ttl }) => ({ address, ttl, family: 6 as const }))
      : []),
    ...(v4.status === "fulfilled"
      ? v4.value.map(({ address, ttl }) => ({ address, ttl, family: 4 as const }))
      : []),
  ];
  if (records.length > 0) {
    const ttlMs = 1000 * Math.min(...records.map(({ ttl }) => ttl));
    return {
      resolution: { kind: "found", addresses: records },
      ttlMs: Math.min(mostCacheMs, Math.max(leastCacheMs, ttlMs)),
    };
  }
  const code = failureCode(v4) ?? failureCode(v6) ?? "ENODATA";
  const resolution: Resolution =
    code === "ETIMEOUT" || code === "ECONNREFUSED"
      ? { kind: "timeout" }
      : { kind: "failed", rcode: rcodeOf(code) };
  return { resolution, ttlMs: leastCacheMs };
}

function failureCode(result: PromiseSettledResult<unknown>): string | null {
  return result.status === "rejected" ? systemCode(result.reason) : null;
}

function rcodeOf(code: string): string {
  if (code === "ENOTFOUND") return "NXDOMAIN";
  return code === "ENODATA" ? "NODATA" : code.replace(/^E/, "");
}
