import { createServer, type Server } from "node:http";
import type { TunnelRow } from "../carry/registry.ts";

export interface AdminSources {
  readonly metrics: () => string;
  readonly tunnels: () => readonly TunnelRow[];
  /** Null when ready, else why not. */
  readonly unready: () => string | null;
}

/** Health, readiness, metrics and the live tunnels. Loopback only, and only under a loopback name (DNS rebinding). */
export function createAdminServer({ metrics, tunnels, unready }: AdminSources): Server {
  return createServer((request, response) => {
    const answer = (status: number, type: string, text: string): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    };
    if (!/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(request.headers.host ?? "")) {
      return answer(421, "text/plain", "this listener answers on loopback names only\n");
    }
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "text/plain", "only GET\n");
    switch (request.url) {
      case "/healthz":
        return answer(200, "text/plain", "ok\n");
      case "/readyz": {
        const why = unready();
        return answer(why === null ? 200 : 503, "text/plain", `${why ?? "ok"}\n`);
      }
      case "/metrics":
        return answer(200, "text/plain; version=0.0.4", metrics());
      case "/tunnels":
        return answer(200, "application/json", `${JSON.stringify({ tunnels: tunnels() })}\n`);
      default:
        return answer(404, "text/plain", "try /healthz, /readyz, /metrics or /tunnels\n");
    }
  });
}
