import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { systemClock } from "@flowstate/shared/clock";
import { background } from "@flowstate/shared/lifecycle";
import { createLogger } from "@flowstate/shared/log";
import { readCertificate } from "../accept/certificate.ts";
import { listen } from "../accept/listener.ts";
import { mintTicketKeys, rotateTicketKeys } from "../accept/tickets.ts";
import { addStatuses } from "../admin/metrics.ts";
import { createAdminServer, type AdminSources } from "../admin/server.ts";
import type { Config } from "../config.ts";
import { createEvents } from "../events.ts";
import { createMeterSender } from "../link/deliver.ts";
import { deliverOrphans } from "../link/orphans.ts";
import { createCrew, type Crew } from "./crew.ts";

/** Several workers on one address, and what they have in common. */
export interface Workers extends AsyncDisposable {
  readonly address: string;
  readonly admin: string;
  /** Replaces the workers one by one. */
  restart(): Promise<void>;
}

/**
 * Starts `count` workers that share the listening socket: the kernel hands a connection to whichever is free, and none
 * is lost while one worker leaves, because the socket stays open. Disposing drains them all.
 */
export async function superviseWorkers(config: Config, count: number): Promise<Workers> {
  await using stack = new AsyncDisposableStack();
  // Said once, by the supervisor, instead of once by each worker.
  readCertificate(config);
  const { folder, timing, controlPlane, token } = config;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const events = createEvents(createLogger("proxy", config.logLevel));
  const port = config.port === 0 ? await pickPort(config.host) : config.port;
  const ticketKeys = mintTicketKeys();
  const crew = createCrew({ count, port, folder, drainMs: timing.drainMs, ticketKeys, events });

  const kill = (): void => crew.kill();
  process.on("exit", kill);
  stack.defer(() => {
    process.off("exit", kill);
  });
  stack.defer(() => crew.stop());
  const address = await crew.start();
  const admin = stack.use(await createAdminServer(adminSources(crew), config.adminPort));
  const sender = createMeterSender({
    controlPlane,
    token,
    onRejected: (seq, reason) => events.meterRowRejected(seq, reason),
  });
  stack.use(
    background((signal) => rotateTicketKeys(systemClock, (keys) => crew.setTicketKeys(keys), signal)),
  );
  const orphans = {
    folder,
    used: () => crew.outboxFiles,
    sender,
    clock: systemClock,
    onStuck: (reason: string) => events.outboxStuck(reason),
  };
  stack.use(background((signal) => deliverOrphans(orphans, signal)));
  const running = stack.move();
  return {
    address,
    admin: admin.address,
    restart: () => crew.restart(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function adminSources(crew: Crew): AdminSources {
  return {
    async status() {
      const [first, ...rest] = (await crew.reports()).map(({ status }) => status);
      if (first === undefined) return null;
      return addStatuses(first, ...rest, ...(crew.retired === null ? [] : [crew.retired]));
    },
    tunnels: async () => (await crew.reports()).flatMap(({ tunnels }) => tunnels),
    async unready() {
      const reports = await crew.reports();
      if (reports.length === 0) return "no worker answers";
      return reports.map(({ unready }) => unready).find((why) => why !== null) ?? null;
    },
  };
}

/** All workers must agree on a port, and one that is started later must find the same. */
async function pickPort(host: string): Promise<number> {
  const server = createServer();
  const port = await listen(server, host, 0);
  server.close();
  await once(server, "close");
  return port;
}
