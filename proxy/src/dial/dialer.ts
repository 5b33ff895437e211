import { networkInterfaces } from "node:os";
import type { Config } from "../config.ts";
import { createDial, type Dial } from "./connect.ts";
import { createResolver } from "./resolve.ts";
import { createUpstreamDial } from "./upstream.ts";

/** The dialler that the settings ask for. `ownPort` is this proxy's own, which would be a loop. */
export function createDialer(
  { dnsServers, allow, upstream, timing }: Config,
  ownPort: () => number,
  now: () => number,
): Dial {
  const timeoutMs = timing.dialMs;
  if (upstream !== null) return createUpstreamDial({ upstream, allow, timeoutMs });
  return createDial({
    resolve: createResolver(dnsServers, now),
    allow,
    timeoutMs,
    isOwn: (address, port) => port === ownPort() && isLocal(address),
  });
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
