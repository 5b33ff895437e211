import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** The program. */
export const main = new URL("../../src/main.ts", import.meta.url).pathname;

/** How a command ended. */
export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end, with `input` on its standard input where it is given. */
export async function control(
  dataDir: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  supervision: readonly "ipc"[] = [],
  input: string | null = null,
): Promise<Result> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, FLOWSTATE_DATA_DIR: dataDir, FLOWSTATE_HTTP_PORT: "0", ...env },
    stdio: [input === null ? "ignore" : "pipe", "pipe", "pipe", ...supervision],
  });
  child.stdin?.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** A server in a process of its own. */
export interface Served {
  readonly child: ChildProcess;
  readonly address: string;
  readonly signInLink: string | null;
}

/** Starts a server and waits until it is ready. What it logs goes to `onLog`, else to our own standard error. */
export async function serve(
  dataDir: string,
  env: NodeJS.ProcessEnv = {},
  onLog: ((text: string) => void) | null = null,
): Promise<Served> {
  const child = fork(main, ["serve"], {
    env: {
      ...process.env,
      FLOWSTATE_DATA_DIR: dataDir,
      FLOWSTATE_HTTP_PORT: "0",
      FLOWSTATE_LOG_LEVEL: "silent",
      ...env,
    },
    stdio: ["ignore", "ignore", onLog === null ? "inherit" : "pipe", "ipc"],
  });
  child.stderr?.on("data", (chunk: Buffer) => onLog?.(chunk.toString()));
  const [ready] = (await once(child, "message")) as [
    { type: string; address: string; signInLink: string | null },
  ];
  return { child, address: ready.address, signInLink: ready.signInLink };
}

/** Ends the server and returns its exit code. */
export async function stop({ child }: Served, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
  const exited = once(child, "exit") as Promise<[number | null]>;
  child.kill(signal);
  return (await exited)[0];
}
