import { randomUUID } from "node:crypto";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { until } from "@flowstate/shared/testing/until";
import { startProxyProcess } from "../test/support/process.ts";

/** A proxy under measure: a process of its own, on one core, with authentication and its access log on. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly credential: string;
  readonly pid: number;
}

export interface Ground {
  readonly folder: string;
  readonly ca: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Core that a proxy is held to. */
  readonly core: string;
}

const user = "person@example.com";
const squidBinary = "/usr/sbin/squid";
const squidAuthenticator = "/usr/lib/squid/basic_ncsa_auth";

export function layGround(folder: string, core: string): Ground {
  const authority = createAuthority({ commonName: "Bench authority", days: 2 });
  const leaf = issueCertificate(authority, {
    commonName: "localhost",
    names: ["localhost", "127.0.0.1"],
    days: 1,
  });
  const ground = {
    folder,
    core,
    ca: authority.certificate,
    certificateFile: join(folder, "cert.pem"),
    keyFile: join(folder, "key.pem"),
  };
  writeFileSync(ground.certificateFile, leaf.certificate);
  writeFileSync(ground.keyFile, leaf.privateKey);
  chmodSync(folder, 0o755);
  return ground;
}

/** The program as it is run: its own process, authentication, guard, meter with outbox and delivery, access log to a file. */
export async function startFlowstate({ folder, core, ca, certificateFile, keyFile }: Ground): Promise<Peer> {
  const proxy = await startProxyProcess({
    folder: join(folder, randomUUID()),
    prefix: ["taskset", "-c", core],
    certificate: { ca, certificateFile, keyFile },
  });
  return {
    name: "flowstate",
    port: proxy.port,
    credential: proxy.credential,
    pid: proxy.pid,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/** Node's own https server with two pipes: what the runtime alone costs. No authentication, no meter, no log. */
export async function startBare(ground: Ground): Promise<Peer> {
  const port = await freePort();
  const child = pinned(
    ground,
    [
      process.execPath,
      new URL("bare.ts", import.meta.url).pathname,
      String(port),
      ground.certificateFile,
      ground.keyFile,
    ],
    { PATH: process.env["PATH"] },
  );
  await answering(port);
  return {
    name: "bare node",
    port,
    credential: basicCredential({ user, password: "none" }),
    pid: pidOf(child),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

export function squidIsHere(): boolean {
  return existsSync(squidBinary) && spawnSync(squidBinary, ["-v"]).stdout.includes("openssl");
}

/** Squid as a TLS listener with Basic authentication, without a cache and with its access log on. */
export async function startSquid(ground: Ground): Promise<Peer> {
  const port = await freePort();
  const folder = join(ground.folder, `squid-${port}`);
  mkdirSync(folder);
  const password = "bench-password";
  const hash = spawnSync("openssl", ["passwd", "-apr1", password]).stdout.toString().trim();
  writeFileSync(join(folder, "users"), `${user}:${hash}\n`);
  const configuration = join(folder, "squid.conf");
  writeFileSync(
    configuration,
    [
      `https_port 127.0.0.1:${port} tls-cert=${ground.certificateFile} tls-key=${ground.keyFile}`,
      `auth_param basic program ${squidAuthenticator} ${join(folder, "users")}`,
      "auth_param basic credentialsttl 2 hours",
      "auth_param basic children 2",
      "acl known proxy_auth REQUIRED",
      "http_access allow known",
      "http_access deny all",
      "cache deny all",
      "cache_mem 8 MB",
      `access_log stdio:${join(folder, "access.log")}`,
      `cache_log ${join(folder, "cache.log")}`,
      `pid_filename ${join(folder, "squid.pid")}`,
      `coredump_dir ${folder}`,
      "max_filedescriptors 65536",
      "shutdown_lifetime 1 seconds",
      "workers 1",
      "",
    ].join("\n"),
  );
  giveToSquid([ground.folder, folder, ground.keyFile, ground.certificateFile, join(folder, "users")]);
  const child = pinned(ground, [squidBinary, "-N", "-f", configuration], { PATH: process.env["PATH"] });
  await answering(port);
  return {
    name: "squid",
    port,
    credential: basicCredential({ user, password }),
    pid: pidOf(child),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/** Squid gives up root for its own user, who must be able to read and write here. */
function giveToSquid(paths: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const proxyUser = Number(/^proxy:[^:]*:(\d+)/m.exec(readFileSync("/etc/passwd", "utf8"))?.[1] ?? 13);
  for (const path of paths) chownSync(path, proxyUser, proxyUser);
}

function pinned(ground: Ground, command: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const log = join(ground.folder, "peers.log");
  const child = spawn("taskset", ["-c", ground.core, ...command], { env, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => appendFileSync(log, text));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error("taskset, of util-linux, is needed and did not start");
  return pid;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function answering(port: number): Promise<void> {
  await until(`port ${port} answers`, () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    return promise.finally(() => socket.destroy());
  });
}
