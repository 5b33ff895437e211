import { http } from "@flowstate/shared/net/http";
import type { Upstream } from "./upstream.ts";

/**
 * Leads what this program asks for itself (`ask`) through a proxy too; null leads it directly again. Loopback stays
 * direct. One a process.
 */
export function leadOwnRequests(): Disposable & { through(upstream: Upstream | null): void } {
  let restore: (() => void) | null = null;
  let current: string | null = null;
  const through = (upstream: Upstream | null): void => {
    const address = upstream?.address.reveal() ?? null;
    if (address === current) return;
    restore?.();
    restore =
      address === null
        ? null
        : http.setGlobalProxyFromEnv({ http_proxy: address, https_proxy: address, no_proxy: loopback });
    current = address;
  };
  return { through, [Symbol.dispose]: () => through(null) };
}

const loopback = "localhost,127.0.0.1,::1";
