import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen } from "../accept/listener.ts";
import type { TunnelRow } from "../carry/registry.ts";
import { renderMetrics, type ProxyStatus } from "./metrics.ts";

export interface AdminSources {
  /** Null where no worker answers. */
  readonly status: () => Promise<ProxyStatus | null>;
  readonly tunnels: () => Promise<readonly TunnelRow[]>;
  /** Null when ready, else why not. */
  readonly unready: () => Promise<string | null>;
}

export interface AdminServer extends Disposable {
  readonly address: string;
}

/** Health, readiness, metrics and the live tunnels. Loopback only, and only under a loopback name (DNS rebinding). */
export async function createAdminServer(sources: AdminSources, port: number): Promise<AdminServer> {
  const server = createServer((request, response) => void serve(request, response, sources));
  const bound = await listen(server, "127.0.0.1", port);
  return {
    address: `http://127.0.0.1:${bound}`,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { status, tunnels, unready }: AdminSources,
): Promise<void> {
  const answer = (code: number, type: string, text: string): void => {
    response.writeHead(code, { "content-type": type, "cache-control": "no-store" }).end(text);
  };
  if (!/^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(request.headers.host ?? "")) {
    return answer(421, "text/plain", "this listener answers on loopback names only\n");
  }
  if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "text/plain", "only GET\n");
  switch (request.url) {
    case "/healthz":
      return answer(200, "text/plain", "ok\n");
    case "/readyz": {
      const why = await unready();
      return answer(why === null ? 200 : 503, "text/plain", `${why ?? "ok"}\n`);
    }
    case "/metrics": {
      const present = await status();
      if (present === null) return answer(503, "text/plain", "no worker answers\n");
      return answer(200, "text/plain; version=0.0.4", renderMetrics(present));
    }
    case "/tunnels":
      return answer(200, "application/json", `${JSON.stringify({ tunnels: await tunnels() })}\n`);
    default:
      return answer(404, "text/plain", "try /healthz, /readyz, /metrics or /tunnels\n");
  }
}
