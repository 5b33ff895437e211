import cluster, { type Worker } from "node:cluster";
import { join } from "node:path";
import { backoffMs, systemClock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { addCounts, addStatuses, withoutGauges, type ProxyStatus } from "../admin/metrics.ts";
import type { Events } from "../events.ts";
import type { FromWorker, ToWorker, WorkerReport } from "./messages.ts";

/** The worker processes of one listening address. */
export interface Crew {
  /** Starts all of them. Returns the address; throws FS_UNAVAILABLE where one ends before it serves. */
  start(): Promise<string>;
  /** Replaces each worker by a fresh one, which serves before the old one stops accepting. */
  restart(): Promise<void>;
  /** Drains all of them and waits for their end. */
  stop(): Promise<void>;
  /** For when there is no time: the workers must not outlive their supervisor. */
  kill(): void;
  reports(): Promise<readonly WorkerReport[]>;
  /** What workers that are gone have counted; null while there are none. */
  readonly retired: ProxyStatus | null;
  readonly outboxFiles: ReadonlySet<string>;
  setTicketKeys(keys: Buffer): void;
}

export interface CrewOptions {
  readonly count: number;
  readonly port: number;
  readonly folder: string;
  readonly drainMs: number;
  readonly ticketKeys: Buffer;
  readonly events: Events;
}

interface Member {
  readonly worker: Worker;
  readonly outboxFile: string;
  readonly ready: Promise<string>;
  readonly ended: Promise<void>;
  /** Its end is wanted: it is not replaced. */
  leaving: boolean;
  /** Tunnels open per scope of a limit. */
  open: Readonly<Record<string, number>>;
  status: ProxyStatus | null;
}

const answerMs = 1000;
const killMs = 5000;
const mostBackoffMs = 10_000;

export function createCrew(options: CrewOptions): Crew {
  const { count, port, folder, drainMs, events } = options;
  const members = new Set<Member>();
  const asked = new Map<number, (report: WorkerReport) => void>();
  let { ticketKeys } = options;
  let retired: ProxyStatus | null = null;
  let stopping = false;
  let questions = 0;
  let failures = 0;
  let restarting = Promise.resolve();
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: new URL("../main.ts", import.meta.url).pathname, args: ["serve"] });

  const add = (): Member => {
    const outboxFile = freeOutbox(folder, outboxFilesOf(members));
    const worker = cluster.fork({ FLOWSTATE_PROXY_PORT: String(port) });
    const ready = Promise.withResolvers<string>();
    const ended = Promise.withResolvers<void>();
    // Whoever waits for it sees it fail; nobody has to.
    ready.promise.catch(() => undefined);
    const member: Member = {
      worker,
      outboxFile,
      ready: ready.promise,
      ended: ended.promise,
      leaving: false,
      open: {},
      status: null,
    };
    members.add(member);
    worker.on("message", (message: FromWorker) => {
      switch (message.type) {
        case "hello":
          return tell(member, { type: "place", workers: count, outboxFile, ticketKeys: asText(ticketKeys) });
        case "ready":
          events.workerServes(worker.process.pid);
          return ready.resolve(message.address);
        case "answer":
          member.status = message.report.status;
          return asked.get(message.id)?.(message.report);
        case "open":
          member.open = message.open;
          return shareOpen(members);
        case "last":
          member.status = message.status;
      }
    });
    worker.once("exit", (code: number | null, signal: string | null) => {
      const how = signal ?? `exit code ${code}`;
      members.delete(member);
      ended.resolve();
      retired = retire(retired, member.status);
      shareOpen(members);
      ready.reject(new FlowstateError("FS_UNAVAILABLE", `a worker did not start (${how})`));
      if (!member.leaving && !stopping) void replace(how);
    });
    return member;
  };
  const replace = async (how: string): Promise<void> => {
    const waitMs = failures === 0 ? 0 : backoffMs(failures, { maxMs: mostBackoffMs });
    failures += 1;
    events.workerEnded(how, waitMs);
    await systemClock.sleep(waitMs);
    if (stopping) return;
    const address = await add().ready.catch(() => null);
    if (address !== null) failures = 0;
  };
  const leave = async (member: Member): Promise<void> => {
    if (member.worker.isDead()) return;
    member.leaving = true;
    tell(member, { type: "drain" });
    const killer = setTimeout(() => member.worker.process.kill("SIGKILL"), drainMs + killMs);
    await member.ended;
    clearTimeout(killer);
  };
  const ask = async (member: Member): Promise<WorkerReport | null> => {
    questions += 1;
    const id = questions;
    const { promise, resolve } = Promise.withResolvers<WorkerReport | null>();
    asked.set(id, resolve);
    const timer = setTimeout(() => resolve(null), answerMs);
    tell(member, { type: "ask", id });
    const report = await promise;
    clearTimeout(timer);
    asked.delete(id);
    return report;
  };
  const rollOver = async (): Promise<void> => {
    for (const member of [...members].filter(({ leaving }) => !leaving)) {
      try {
        await add().ready;
      } catch (error) {
        events.restartStopped((error as Error).message);
        return;
      }
      void leave(member);
    }
  };

  return {
    async start() {
      const first = Array.from({ length: count }, add);
      const [address = ""] = await Promise.all(first.map(({ ready }) => ready));
      return address;
    },
    restart: () => (restarting = restarting.then(rollOver)),
    async stop() {
      stopping = true;
      await Promise.all(Array.from(members, leave));
    },
    kill() {
      for (const { worker } of members) worker.process.kill("SIGKILL");
    },
    async reports() {
      const answers = await Promise.all(Array.from(members, ask));
      return answers.filter((report) => report !== null);
    },
    get retired() {
      return retired;
    },
    get outboxFiles() {
      return outboxFilesOf(members);
    },
    setTicketKeys(keys) {
      ticketKeys = keys;
      for (const member of members) tell(member, { type: "tickets", ticketKeys: asText(keys) });
    },
  };
}

/** A worker that is just leaving does not hear it; its end is known by its exit. */
function tell({ worker }: Member, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}

/** Limits hold for all workers together, so each knows what the others have open. */
function shareOpen(members: ReadonlySet<Member>): void {
  for (const member of members) {
    const others = [...members].filter((one) => one !== member).map(({ open }) => open);
    tell(member, { type: "others", open: addCounts(others) });
  }
}

function retire(retired: ProxyStatus | null, status: ProxyStatus | null): ProxyStatus | null {
  if (status === null) return retired;
  const counts = withoutGauges(status);
  return retired === null ? counts : addStatuses(retired, counts);
}

function outboxFilesOf(members: ReadonlySet<Member>): ReadonlySet<string> {
  return new Set(Array.from(members, ({ outboxFile }) => outboxFile));
}

/** The lowest number that no worker has, so that what one left behind is soon taken up. */
function freeOutbox(folder: string, used: ReadonlySet<string>): string {
  for (let index = 1; ; index += 1) {
    const file = join(folder, `outbox-${index}.db`);
    if (!used.has(file)) return file;
  }
}

function asText(keys: Buffer): string {
  return keys.toString("base64");
}
