import type { FastifyInstance, FastifyRequest } from "fastify";
import { check, type Principal } from "../access/check.ts";
import { isLoopback } from "../config.ts";
import type { Events } from "../events.ts";
import type { Store } from "../store/open.ts";

export interface HealthDependencies {
  readonly store: Store;
  readonly events: Events;
  readonly findPrincipal: (request: FastifyRequest) => Promise<Principal | null>;
  readonly connectedProxies: () => number;
  /** False while draining. */
  readonly accepting: () => boolean;
}

/** `/healthz` (the process answers), `/readyz` (the store answers too), `/metrics` (Prometheus text). */
export async function healthRoutes(
  app: FastifyInstance,
  { store, events, findPrincipal, connectedProxies, accepting }: HealthDependencies,
): Promise<void> {
  app.addHook("onResponse", async (request, reply) => {
    events.requestAnswered(request.method, request.routeOptions.url ?? "none", reply.statusCode);
  });

  app.get("/healthz", async () => ({ status: "ok" }));

  app.get("/readyz", async (_, reply) => {
    const answers = await storeAnswers(store);
    if (answers && accepting()) return { status: "ready" };
    return reply.code(503).send({ status: answers ? "draining" : "store does not answer" });
  });

  app.get("/metrics", async (request, reply) => {
    if (!isLocal(request)) check(await findPrincipal(request), "AUDIT_VIEW");
    void reply.type("text/plain; version=0.0.4; charset=utf-8");
    return renderMetrics([
      ...events.counters.map(({ name, help, values }) => ({
        name,
        type: "counter" as const,
        help,
        samples: [...values].map(([labels, value]) => ({ labels, value })),
      })),
      {
        name: "flowstate_connected_proxies",
        type: "gauge",
        help: "Proxies that hold a stream to this process.",
        samples: [{ labels: "", value: connectedProxies() }],
      },
      {
        name: "flowstate_store_up",
        type: "gauge",
        help: "Whether the store answers.",
        samples: [{ labels: `engine="${store.engine}"`, value: Number(await storeAnswers(store)) }],
      },
      {
        name: "process_resident_memory_bytes",
        type: "gauge",
        help: "Resident memory.",
        samples: [{ labels: "", value: process.memoryUsage.rss() }],
      },
    ]);
  });
}

/** A request that a reverse proxy passed on is not local, wherever that proxy runs. */
function isLocal(request: FastifyRequest): boolean {
  const forwarded = request.headers["x-forwarded-for"] ?? request.headers["forwarded"];
  const address = request.socket.remoteAddress ?? "";
  return forwarded === undefined && isLoopback(address.replace(/^::ffff:/, ""));
}

async function storeAnswers(store: Store): Promise<boolean> {
  return store.reader
    .selectFrom("orgs")
    .select("org_id")
    .limit(1)
    .execute()
    .then(
      () => true,
      () => false,
    );
}

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly { readonly labels: string; readonly value: number }[];
}

function renderMetrics(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap(({ name, type, help, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, value }) => `${name}${labels === "" ? "" : `{${labels}}`} ${value}`),
  ]);
  return `${lines.join("\n")}\n`;
}
