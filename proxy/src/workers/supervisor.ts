import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { backoffMs, systemClock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { background } from "@flowstate/shared/lifecycle";
import { createLogger } from "@flowstate/shared/log";
import { readCertificate } from "../accept/certificate.ts";
import { listen } from "../accept/listener.ts";
import { mintTicketKeys, rotateTicketKeys } from "../accept/tickets.ts";
import { addCounts, addStatuses, withoutGauges, type ProxyStatus } from "../admin/metrics.ts";
import { createAdminServer } from "../admin/server.ts";
import type { Config } from "../config.ts";
import { createEvents } from "../events.ts";
import { createMeterSender } from "../link/deliver.ts";
import { deliverOrphans } from "../link/orphans.ts";
import type { FromWorker, ToWorker, WorkerReport } from "./messages.ts";

/** Several workers on one address, and what they have in common. */
export interface Workers extends AsyncDisposable {
  readonly address: string;
  readonly admin: string;
  /** Replaces each worker by a fresh one, which serves before the old one stops accepting. */
  restart(): Promise<void>;
}

interface Member {
  readonly worker: Worker;
  readonly outboxFile: string;
  readonly ready: Promise<string>;
  /** Its end is wanted: it is not replaced. */
  leaving: boolean;
  open: Readonly<Record<string, number>>;
  status: ProxyStatus | null;
}

const answerMs = 1000;
const orphansMs = 5000;
const killMs = 5000;

/**
 * Starts `count` workers that share the listening socket: the kernel hands a connection to whichever is free, and none
 * is lost while one worker leaves, because the socket stays open. Disposing drains them all.
 */
export async function superviseWorkers(config: Config, count: number): Promise<Workers> {
  await using stack = new AsyncDisposableStack();
  readCertificate(config);
  mkdirSync(config.folder, { recursive: true, mode: 0o700 });
  const events = createEvents(createLogger("proxy", config.logLevel));
  const port = config.port === 0 ? await pickPort(config.host) : config.port;
  const members = new Set<Member>();
  const asked = new Map<number, (report: WorkerReport) => void>();
  let retired: ProxyStatus | null = null;
  let ticketKeys = mintTicketKeys();
  let stopping = false;
  let questions = 0;

  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: new URL("../main.ts", import.meta.url).pathname, args: ["serve"] });
  const send = ({ worker }: Member, message: ToWorker): void => {
    if (worker.isConnected()) worker.send(message);
  };
  const shareOpen = (): void => {
    for (const member of members) {
      const others = [...members].filter((one) => one !== member).map(({ open }) => open);
      send(member, { type: "others", open: addCounts(others) });
    }
  };
  const start = (): Member => {
    const outboxFile = freeOutbox(config.folder, members);
    const worker = cluster.fork({ FLOWSTATE_PROXY_PORT: String(port) });
    const ready = Promise.withResolvers<string>();
    // Whoever waits for it sees it fail; nobody has to.
    ready.promise.catch(() => undefined);
    const member: Member = { worker, outboxFile, ready: ready.promise, leaving: false, open: {}, status: null };
    members.add(member);
    worker.on("message", (message: FromWorker) => {
      switch (message.type) {
        case "hello":
          return send(member, {
            type: "place",
            workers: count,
            outboxFile,
            ticketKeys: ticketKeys.toString("base64"),
          });
        case "ready":
          events.workerServes(worker.process.pid);
          return ready.resolve(message.address);
        case "answer":
          member.status = message.report.status;
          return asked.get(message.id)?.(message.report);
        case "open":
          member.open = message.open;
          return shareOpen();
        case "last":
          member.status = message.status;
      }
    });
    worker.once("exit", (code: number | null, signal: string | null) => {
      members.delete(member);
      if (member.status !== null) {
        const counts = withoutGauges(member.status);
        retired = retired === null ? counts : addStatuses(retired, counts);
      }
      shareOpen();
      const how = signal ?? `exit code ${code}`;
      ready.reject(new FlowstateError("FS_UNAVAILABLE", `a worker did not start (${how})`));
      if (!member.leaving && !stopping) void replace(how);
    });
    return member;
  };
  let failures = 0;
  const replace = async (how: string): Promise<void> => {
    const waitMs = failures === 0 ? 0 : backoffMs(failures, { maxMs: 10_000 });
    failures += 1;
    events.workerEnded(how, waitMs);
    await systemClock.sleep(waitMs);
    if (stopping) return;
    const started = await start().ready.catch(() => null);
    if (started !== null) failures = 0;
  };
  const leave = async (member: Member): Promise<void> => {
    if (member.worker.isDead()) return;
    member.leaving = true;
    const gone = once(member.worker, "exit");
    send(member, { type: "drain" });
    const killer = setTimeout(() => member.worker.process.kill("SIGKILL"), config.timing.drainMs + killMs);
    await gone;
    clearTimeout(killer);
  };
  const ask = async (member: Member): Promise<WorkerReport | null> => {
    questions += 1;
    const id = questions;
    const { promise, resolve } = Promise.withResolvers<WorkerReport | null>();
    asked.set(id, resolve);
    const timer = setTimeout(() => resolve(null), answerMs);
    send(member, { type: "ask", id });
    const report = await promise;
    clearTimeout(timer);
    asked.delete(id);
    return report;
  };
  const reports = async (): Promise<readonly WorkerReport[]> => {
    const answers = await Promise.all(Array.from(members, ask));
    return answers.filter((report) => report !== null);
  };

  // Workers do not outlive a supervisor that is cut short by a second signal.
  const onExit = (): void => {
    for (const { worker } of members) worker.process.kill("SIGKILL");
  };
  process.on("exit", onExit);
  stack.defer(() => void process.off("exit", onExit));
  stack.defer(async () => {
    stopping = true;
    await Promise.all(Array.from(members, leave));
  });
  const first = Array.from({ length: count }, start);
  const [address = ""] = await Promise.all(first.map(({ ready }) => ready));
  const admin = stack.use(
    await createAdminServer(
      {
        async status() {
          const live = (await reports()).map(({ status }) => status);
          const [one, ...rest] = retired === null ? live : [...live, retired];
          if (one === undefined) throw new FlowstateError("FS_UNAVAILABLE", "no worker answers");
          return addStatuses(one, ...rest);
        },
        tunnels: async () => (await reports()).flatMap(({ tunnels }) => tunnels),
        async unready() {
          const all = await reports();
          return all.length === 0 ? "no worker answers" : (all.find(({ unready }) => unready)?.unready ?? null);
        },
      },
      config.adminPort,
    ),
  );
  stack.use(
    background((signal) =>
      rotateTicketKeys(
        systemClock,
        (keys) => {
          ticketKeys = keys;
          for (const member of members) send(member, { type: "tickets", ticketKeys: keys.toString("base64") });
        },
        signal,
      ),
    ),
  );
  const sender = createMeterSender({
    controlPlane: config.controlPlane,
    token: config.token,
    onRejected: (seq, reason) => events.meterRowRejected(seq, reason),
  });
  stack.use(
    background(async (signal) => {
      while (!signal.aborted) {
        await systemClock.sleep(orphansMs, signal);
        const used = new Set(Array.from(members, ({ outboxFile }) => outboxFile));
        await deliverOrphans(config.folder, (file) => used.has(file), sender, signal);
      }
    }),
  );
  let restarting = Promise.resolve();
  const rollOver = async (): Promise<void> => {
    for (const member of [...members].filter(({ leaving }) => !leaving)) {
      try {
        await start().ready;
      } catch (error) {
        events.workerEnded((error as Error).message, 0);
        return;
      }
      void leave(member);
    }
  };
  const running = stack.move();
  return {
    address,
    admin: admin.address,
    restart: () => (restarting = restarting.then(rollOver)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** An outbox file that no worker has, the lowest first, so that what one left behind is soon taken up. */
function freeOutbox(folder: string, members: ReadonlySet<Member>): string {
  const used = new Set(Array.from(members, ({ outboxFile }) => outboxFile));
  for (let index = 1; ; index += 1) {
    const file = join(folder, `outbox-${index}.db`);
    if (!used.has(file)) return file;
  }
}

/** All workers must agree on a port, and a worker that is started later must find the same. */
async function pickPort(host: string): Promise<number> {
  const server = createServer();
  const port = await listen(server, host, 0);
  server.close();
  await once(server, "close");
  return port;
}
