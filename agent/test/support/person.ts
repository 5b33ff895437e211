import { spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { mintKey } from "@flowstate/shared/keys";
import { temporaryFolder } from "@flowstate/shared/testing/temp";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A person's machine in a home folder of its own, and `flowstate` on it. */
export interface Person extends AsyncDisposable {
  readonly home: string;
  readonly key: string;
  /** Puts a file into the home folder. */
  write(file: string, content: string): void;
  /** Runs a command to its end. */
  flowstate(...args: readonly string[]): Promise<Ran>;
  /** Starts a command that does not end by itself. */
  spawn(...args: readonly string[]): ChildProcessByStdio<null, Readable, Readable>;
  /** Starts the daemon; resolves with its process and the relay's address once it is ready. */
  startDaemon(
    settings?: NodeJS.ProcessEnv,
  ): Promise<{ readonly process: ChildProcess; readonly relay: string | null }>;
}

const program = new URL("../../src/main.ts", import.meta.url).pathname;

export function newPerson(settings: NodeJS.ProcessEnv = {}): Person {
  const folder = temporaryFolder();
  const daemons: ChildProcess[] = [];
  const key = mintKey("org").text;
  const env = {
    HOME: folder.path,
    PATH: process.env["PATH"],
    TZ: "UTC",
    FLOWSTATE_OTLP_KEY: key,
    FLOWSTATE_USER: "ada@example.com",
    FLOWSTATE_RELAY_PORT: "0",
    FLOWSTATE_OTLP_PORT: "0",
    FLOWSTATE_HOLD_MS: "20",
    FLOWSTATE_POLL_MS: "50",
    ...settings,
  };
  const start: Person["spawn"] = (...args) =>
    spawn(process.execPath, [program, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  return {
    home: folder.path,
    key,
    spawn: start,
    write(file, content) {
      mkdirSync(dirname(join(folder.path, file)), { recursive: true, mode: 0o700 });
      writeFileSync(join(folder.path, file), content);
    },
    async flowstate(...args) {
      const child = start(...args);
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close") as Promise<[number]>,
      ]);
      return { code, stdout, stderr };
    },
    async startDaemon(settings = {}) {
      const daemon = spawn(process.execPath, [program, "run"], {
        env: { ...env, ...settings },
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      });
      daemons.push(daemon);
      const [ready] = (await Promise.race([
        once(daemon, "message"),
        once(daemon, "exit").then(() => Promise.reject(new Error("the daemon ended early"))),
      ])) as [{ relay: string | null }];
      return { process: daemon, relay: ready.relay };
    },
    async [Symbol.asyncDispose]() {
      for (const daemon of daemons) {
        if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
        daemon.kill("SIGKILL");
        await once(daemon, "exit");
      }
      folder[Symbol.dispose]();
    },
  };
}

/** One row of Claude Code's log. */
export function claudeRow(
  id: string,
  { session = "s1", model = "claude-sonnet-4-5", output = 10, at = "2026-11-20T10:00:00.000Z" } = {},
): string {
  return `${JSON.stringify({
    type: "assistant",
    timestamp: at,
    sessionId: session,
    cwd: "/nowhere/api",
    requestId: `req_${id}`,
    message: {
      id,
      model,
      stop_reason: "end_turn",
      content: [{ type: "text", text: "yes" }],
      usage: { input_tokens: 100, output_tokens: output },
    },
  })}\n`;
}
