import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";

const root = resolve(import.meta.dirname, "../..");

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A whole installation on this machine, started as a user would start it, in a data folder of its own. */
export interface Installation extends AsyncDisposable {
  readonly dataDir: string;
  readonly controlPlane: string;
  readonly proxy: string;
  readonly caFile: string;
  readonly supervisor: ChildProcess;
  /** All that `npm start` printed so far. */
  output(): string;
  /** Runs `flowstate-control` against this installation. */
  control(...args: readonly string[]): Promise<CommandResult>;
  /** Asks GraphQL with an API key that may do everything. Fails on errors in the answer. */
  graphql<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** The process that runs one part, for tests that kill it. */
  pidOf(part: "control-plane" | "proxy"): number | null;
  /** SIGINT, as Ctrl-C sends; resolves with the exit code. */
  interrupt(): Promise<number | null>;
}

export interface InstallationOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly dataDir?: string;
}

/** Settings that let tests reach local origins and never collide with another installation. */
export const testEnvironment: NodeJS.ProcessEnv = {
  FLOWSTATE_HTTP_PORT: "0",
  FLOWSTATE_PROXY_PORT: "0",
  FLOWSTATE_PROXY_ADMIN_PORT: "0",
  FLOWSTATE_PROXY_ALLOW_CIDRS: "127.0.0.0/8,::1/128",
  FLOWSTATE_PROXY_PORTS: "*",
};

export async function startInstallation({
  env = {},
  dataDir,
}: InstallationOptions = {}): Promise<Installation> {
  const folder = temporaryFolder();
  const data = dataDir ?? join(folder.path, "data");
  const environment = { ...process.env, ...testEnvironment, ...env, FLOWSTATE_DATA_DIR: data };
  const supervisor = spawn(process.execPath, ["scripts/start.ts"], {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [supervisor.stdout, supervisor.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const exited = once(supervisor, "exit") as Promise<[number | null]>;
  const started = until("the installation to start", () => printed.includes("Flowstate is running."));
  await Promise.race([
    started,
    exited.then(() => Promise.reject(new Error(`npm start ended early:\n${printed}`))),
  ]);

  const address = (label: string): string => new RegExp(`^  ${label} +(\\S+)`, "m").exec(printed)?.[1] ?? "";
  const controlPlane = address("admin");
  const run = (...args: readonly string[]) => runControl(args, environment);
  let apiKey: Promise<string> | null = null;

  const installation: Installation = {
    dataDir: data,
    controlPlane,
    proxy: address("proxy"),
    caFile: join(data, "tls/ca.pem"),
    supervisor,
    output: () => printed,
    control: run,
    async graphql<T>(query: string, variables: Record<string, unknown> = {}) {
      apiKey ??= createApiKey(run);
      const answer = await fetch(`${controlPlane}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${await apiKey}` },
        body: JSON.stringify({ query, variables }),
      });
      const { data: found, errors } = (await answer.json()) as { data: T; errors?: unknown };
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return found;
    },
    pidOf: (part) =>
      childrenOf(supervisor.pid ?? 0).find((pid) => commandOf(pid).includes(`${part}/src/main.ts`)) ?? null,
    async interrupt() {
      supervisor.kill("SIGINT");
      const [code] = await exited;
      return code;
    },
    async [Symbol.asyncDispose]() {
      if (supervisor.exitCode === null && supervisor.signalCode === null) {
        supervisor.kill("SIGTERM");
        await exited;
      }
      folder[Symbol.dispose]();
    },
  };
  return installation;
}

/** Runs `flowstate-control` with an environment; never rejects for an exit code. */
export async function runControl(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return runProgram(process.execPath, ["control-plane/src/main.ts", ...args], env);
}

export async function runProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<CommandResult> {
  return promisify(execFile)(file, [...args], { cwd: root, env, encoding: "utf8", maxBuffer: 64 << 20 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code?: number | string; stdout?: string; stderr?: string }) => ({
      code: typeof error.code === "number" ? error.code : -1,
      stdout: error.stdout ?? "",
      stderr: error.stderr ?? "",
    }),
  );
}

async function createApiKey(run: Installation["control"]): Promise<string> {
  const permissions = [
    "SETTINGS_INTEGRATIONS_UPDATE",
    "SETTINGS_INTEGRATIONS_VIEW",
    "AI_INSIGHTS_VIEW",
    "AUDIT_VIEW",
    "AI_POLICY_ADMIN",
    "AI_GOVERNANCE_VIEW",
  ];
  const granted = ["--permissions", permissions.join(",")];
  const { stdout, stderr } = await run(
    "api-key",
    "create",
    "--org",
    "default",
    "--name",
    "test",
    ...granted,
    "--json",
  );
  if (stdout === "") throw new Error(stderr);
  return (JSON.parse(stdout) as { key: string }).key;
}

/** Linux keeps both in /proc; these tests run nowhere else. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}
