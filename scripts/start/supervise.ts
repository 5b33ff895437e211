import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { backoffMs, systemClock } from "@flowstate/shared/clock";

/** What a program tells its supervisor over IPC once it listens. */
export interface Ready {
  readonly type: "ready";
  readonly address: string;
  readonly admin?: string;
  readonly signInLink?: string | null;
}

export interface Supervised {
  /** The first `ready`. Rejects with an `ExitedEarly` when the program ends before it ever was. */
  readonly ready: Promise<Ready>;
  /** SIGTERM, then SIGKILL after the deadline. Resolves when the program is gone. */
  stop(deadlineMs: number): Promise<void>;
}

export interface SuperviseOptions {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  /** Called before each start, so that a restart can be given the port of the start before. */
  readonly env: (last: Ready | null) => NodeJS.ProcessEnv;
  readonly onRestart: (name: string, how: string, waitMs: number) => void;
}

/** The program's own words are on standard error already; only its exit code is left to pass on. */
export class ExitedEarly extends Error {
  readonly exitCode: number;

  constructor(name: string, exitCode: number) {
    super(`${name} did not start`);
    this.exitCode = exitCode;
  }
}

/** A run at least this long counts as healthy, and the next restart is immediate again. */
const healthyMs = 30_000;

/** Keeps one program running: restarts it with back-off when it dies, until told to stop. */
export function supervise({ name, script, args, env, onRestart }: SuperviseOptions): Supervised {
  const stopping = new AbortController();
  const first = Promise.withResolvers<Ready>();
  let last: Ready | null = null;
  let child: ChildProcess | null = null;

  const run = async (): Promise<void> => {
    let attempt = 0;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      child = fork(script, [...args], { env: env(last), stdio: ["ignore", "ignore", "inherit", "ipc"] });
      child.on("message", (message: unknown) => {
        if (!isReady(message)) return;
        last = message;
        first.resolve(message);
      });
      const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
      if (stopping.signal.aborted) return;
      if (last === null) {
        first.reject(new ExitedEarly(name, code ?? 1));
        return;
      }
      attempt = Date.now() - startedAt > healthyMs ? 0 : attempt + 1;
      const waitMs = attempt <= 1 ? 0 : backoffMs(attempt, { maxMs: 10_000 });
      onRestart(name, signal ?? `exit code ${code}`, waitMs);
      await systemClock.sleep(waitMs, stopping.signal);
    }
  };
  const done = run();

  return {
    ready: first.promise,
    async stop(deadlineMs) {
      stopping.abort();
      const running = child;
      running?.kill("SIGTERM");
      const killer = setTimeout(() => running?.kill("SIGKILL"), deadlineMs);
      await done;
      clearTimeout(killer);
    },
  };
}

function isReady(message: unknown): message is Ready {
  return typeof message === "object" && message !== null && "type" in message && message.type === "ready";
}
