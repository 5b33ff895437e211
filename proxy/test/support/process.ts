import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { until } from "@flowstate/shared/testing/until";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { needsOwnProxy } from "./against.ts";
import { startControlPlane, type WireControlPlane } from "./control-plane.ts";
import { dialTls } from "./dial.ts";
import type { ProxyUnderTest } from "./running.ts";

/** The program in a process of its own, so that its memory and its end can be looked at. */
export interface ProxyProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly ca: string;
  readonly controlPlane: WireControlPlane;
  readonly admin: string;
  readonly credential: string;
  /** The same as a client meets it. */
  readonly met: ProxyUnderTest;
  /** The lines of its log so far. */
  log(): readonly Record<string, unknown>[];
  signal(name: NodeJS.Signals): void;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

export interface ProxyProcessOptions {
  readonly folder: string;
  /** Words before the command, such as `taskset -c 0`. */
  readonly prefix?: readonly string[];
  /** Words after `serve`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** One is made where none is given. */
  readonly certificate?: { readonly ca: string; readonly certificateFile: string; readonly keyFile: string };
}

export async function startProxyProcess({
  folder,
  prefix = [],
  args = [],
  env = {},
  certificate,
}: ProxyProcessOptions): Promise<ProxyProcess> {
  needsOwnProxy();
  await using stack = new AsyncDisposableStack();
  const controlPlane = stack.use(await startControlPlane());
  const key = controlPlane.provision();
  mkdirSync(folder, { recursive: true });
  const { ca, certificateFile, keyFile } = certificate ?? makeCertificate(folder);
  const log = openSync(join(folder, "proxy.log"), "a");
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const [command, ...words] = [...prefix, process.execPath, main, "serve"];
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env["PATH"],
    FLOWSTATE_DATA_DIR: folder,
    FLOWSTATE_PROXY_CERT: certificateFile,
    FLOWSTATE_PROXY_KEY: keyFile,
    FLOWSTATE_PROXY_PORT: "0",
    FLOWSTATE_PROXY_ADMIN_PORT: "0",
    FLOWSTATE_PROXY_ALLOW_CIDRS: "127.0.0.1/32",
    FLOWSTATE_PROXY_PORTS: "*",
    FLOWSTATE_CONTROL_PLANE: controlPlane.url,
    FLOWSTATE_PROXY_TOKEN: controlPlane.token,
    ...env,
  };
  const child = spawn(command, [...words, ...args], {
    stdio: ["ignore", "ignore", log, "ipc"],
    env: environment,
  });
  const exited = once(child, "exit");
  stack.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const [ready] = (await Promise.race([
    once(child, "message"),
    exited.then(() => Promise.reject(new Error(readFileSync(join(folder, "proxy.log"), "utf8")))),
  ])) as [{ readonly address: string; readonly admin: string }];
  await until("the key snapshot", () => controlPlane.connected > 0);
  const port = Number(new URL(ready.address).port);
  const credential = (user = "person@example.com", password = key): string =>
    basicCredential({ user, password });
  const running = stack.move();
  return {
    pid: child.pid ?? 0,
    port,
    ca,
    controlPlane,
    admin: ready.admin,
    credential: credential(),
    met: {
      host: "127.0.0.1",
      port,
      ca,
      credential,
      dial: (options = {}) => dialTls({ port, host: "127.0.0.1", ca }, options),
    },
    log: () =>
      readFileSync(join(folder, "proxy.log"), "utf8")
        .split("\n")
        .filter((line) => line.startsWith("{") && line.endsWith("}"))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    signal: (name) => void child.kill(name),
    ended: exited.then(([code]) => code as number | null),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function makeCertificate(folder: string): NonNullable<ProxyProcessOptions["certificate"]> {
  const authority = createAuthority({ commonName: "Test authority", days: 2 });
  const names = ["localhost", "127.0.0.1"];
  const leaf = issueCertificate(authority, { commonName: "localhost", names, days: 1 });
  const certificateFile = join(folder, "proxy.pem");
  const keyFile = join(folder, "proxy-key.pem");
  writeFileSync(certificateFile, leaf.certificate);
  writeFileSync(keyFile, leaf.privateKey, { mode: 0o600 });
  return { ca: authority.certificate, certificateFile, keyFile };
}
