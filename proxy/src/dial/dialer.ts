import { networkInterfaces } from "node:os";
import type { Config } from "../config.ts";
import { compileRules } from "../decide/rules.ts";
import { createDial, type Dial } from "./connect.ts";
import { createResolver } from "./resolve.ts";
import { createUpstreamDial, type Upstream } from "./upstream.ts";

/**
 * The dialler that the settings ask for: the first upstream rule that matches a target decides its way, else the
 * upstream of all others, else it is dialled directly. `ownPort` is this proxy's own, which would be a loop.
 */
export function createDialer(
  { dnsServers, allow, upstream, upstreamRules, timing }: Config,
  ownPort: () => number,
  now: () => number,
): Dial {
  const timeoutMs = timing.dialMs;
  const direct = createDial({
    resolve: createResolver(dnsServers, now),
    allow,
    timeoutMs,
    isOwn: (address, port) => port === ownPort() && isLocal(address),
  });
  const through = (one: Upstream | null): Dial =>
    one === null ? direct : createUpstreamDial({ upstream: one, allow, timeoutMs });
  const ways = upstreamRules.map(({ rule, upstream: one }) => ({
    matches: compileRules([rule]),
    dial: through(one),
  }));
  const otherwise = through(upstream);
  return (to, signal, options) =>
    (ways.find(({ matches }) => matches(to))?.dial ?? otherwise)(to, signal, options);
}

/** Asked only for the proxy's own port number, so reading the interfaces each time costs nothing that counts. */
function isLocal(address: string): boolean {
  return (
    address.startsWith("127.") ||
    address === "::1" ||
    Object.values(networkInterfaces()).some(
      (cards) => cards?.some((card) => card.address === address) ?? false,
    )
  );
}
