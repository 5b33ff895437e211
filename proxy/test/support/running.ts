import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { BlockList, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { Writable } from "node:stream";
import { createLogger } from "@flowstate/shared/log";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import type { Parsed } from "@flowstate/shared/parsed";
import { Secret } from "@flowstate/shared/secret";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { compose } from "../../src/compose.ts";
import { parseUpstream, parseUpstreamRules } from "../../src/dial/upstream.ts";
import type { Config, Timing } from "../../src/config.ts";
import { foreignProxy } from "./against.ts";
import { dialTls } from "./dial.ts";
import { startControlPlane, type WireControlPlane } from "./control-plane.ts";

/** A proxy as a client meets it. */
export interface ProxyUnderTest {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  /** `Basic …` for a person and the organisation's key. */
  credential(user?: string, password?: string): string;
  /** A TLS connection to the proxy, established. */
  dial(options?: ConnectionOptions): Promise<TLSSocket>;
}

/** A proxy with its control plane, in this process, over real sockets. */
export interface RunningProxy extends ProxyUnderTest, AsyncDisposable {
  readonly admin: string;
  /** Where its certificate and key lie: `proxy.pem` and `proxy-key.pem`. */
  readonly tlsFolder: string;
  readonly controlPlane: WireControlPlane;
  readonly key: string;
  /** The access log so far. */
  log(): readonly Record<string, unknown>[];
  /** Log lines of another kind so far. */
  events(message: string): readonly Record<string, unknown>[];
}

export interface RunningOptions {
  readonly allow?: readonly string[];
  readonly timing?: Partial<Timing>;
  readonly dnsServers?: readonly string[];
  readonly ports?: Config["ports"];
  readonly upstream?: string;
  readonly upstreamRules?: string;
  readonly limits?: Partial<Config["limits"]>;
  /** Ranges of balancers that speak the PROXY protocol. */
  readonly balancers?: readonly string[];
  /** PEM of the authority of client certificates. */
  readonly clientCa?: string;
}

const timing: Timing = {
  dialMs: 10_000,
  headMs: 10_000,
  idleMs: 600_000,
  halfCloseMs: 60_000,
  lifetimeMs: 86_400_000,
  drainMs: 1000,
  flushMs: 100,
  graceMs: 60_000,
};

export const authority = createAuthority({ commonName: "Test authority", days: 10 });
export const leaf = issueCertificate(authority, {
  commonName: "localhost",
  names: ["localhost", "127.0.0.1"],
  days: 5,
});

export async function startProxy(options: RunningOptions = {}): Promise<RunningProxy> {
  const foreign = foreignProxy(options);
  if (foreign !== null) return foreign;
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  mkdirSync(join(folder, "tls"));
  const certificateFile = join(folder, "tls/proxy.pem");
  const keyFile = join(folder, "tls/proxy-key.pem");
  writeFileSync(certificateFile, leaf.certificate);
  writeFileSync(keyFile, leaf.privateKey);
  const clientCaFile = options.clientCa === undefined ? null : join(folder, "client-ca.pem");
  if (clientCaFile !== null) writeFileSync(clientCaFile, options.clientCa ?? "");
  const controlPlane = stack.use(await startControlPlane());
  const key = controlPlane.provision();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger(
    "proxy",
    "info",
    new Writable({
      write(chunk: Buffer, _, done) {
        lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
        done();
      },
    }),
  );
  const proxy = stack.use(
    await compose(
      {
        folder: join(folder, "proxy"),
        host: "127.0.0.1",
        port: 0,
        adminPort: 0,
        certificateFile,
        keyFile,
        clientCaFile,
        upstream: options.upstream === undefined ? null : mustParse(parseUpstream(options.upstream)),
        upstreamRules: mustParse(parseUpstreamRules(options.upstreamRules ?? "")),
        balancers: options.balancers === undefined ? null : blockList(options.balancers),
        allow: blockList(options.allow ?? ["127.0.0.1/32"]),
        ports: options.ports ?? "any",
        dnsServers: options.dnsServers ?? [],
        controlPlane: new URL(controlPlane.url),
        token: new Secret(controlPlane.token),
        timing: { ...timing, ...options.timing },
        limits: { tunnels: null, newTunnelsPerSecond: null, bytesPerSecond: null, ...options.limits },
        logLevel: "info",
      },
      { log },
    ),
  );
  await until("the first snapshot", () => lines.some(({ msg }) => msg === "took a key snapshot"));
  const port = Number(new URL(proxy.address).port);
  const running = stack.move();
  return {
    host: "127.0.0.1",
    port,
    ca: authority.certificate,
    admin: proxy.admin ?? "",
    tlsFolder: join(folder, "tls"),
    controlPlane,
    key,
    credential: (user = "person@example.com", password = key) => basicCredential({ user, password }),
    dial: (tls = {}) => dialTls({ port, host: "127.0.0.1", ca: authority.certificate }, tls),
    log: () => lines.filter(({ msg }) => msg === "access"),
    events: (message) => lines.filter(({ msg }) => msg === message),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    list.addSubnet(address, Number(bits), address.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

function mustParse<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
}

/** A TCP server on loopback that does with each connection what the test says. */
export async function startTarget(
  onConnection: (socket: Socket) => void,
  host = "127.0.0.1",
): Promise<AsyncDisposable & { readonly port: number; readonly server: Server; connections(): number }> {
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections += 1;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    server,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export const echo = (socket: Socket): void => void socket.pipe(socket);

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** Whether the proxy ended the connection by itself. */
  readonly closed: boolean;
}

/** Sends bytes on a fresh connection and reads until the proxy closes it, or has answered 2xx. */
export async function exchange(proxy: ProxyUnderTest, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = await proxy.dial();
  socket.write(bytes);
  const answer = await readAnswer(socket);
  socket.destroy();
  return answer;
}

/** Reads one answer: to the end for a refusal, to the end of the head for a 200. */
export async function readAnswer(socket: TLSSocket): Promise<RawAnswer> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let text = "";
  const onData = (chunk: Buffer): void => {
    text += chunk.toString("latin1");
    if (/^HTTP\/1\.1 2\d\d .*\r\n\r\n/s.test(text)) resolve(false);
  };
  socket.on("data", onData);
  socket.once("end", () => resolve(true));
  socket.once("close", () => resolve(true));
  socket.resume();
  const closed = await promise;
  socket.off("data", onData);
  socket.pause();
  const [head = "", body = ""] = text.split(/\r\n\r\n/, 2);
  return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0), head, body, closed };
}

/** Opens a tunnel and returns the connection just after the 200. */
export async function tunnel(
  proxy: ProxyUnderTest,
  target: string,
  first: string | Buffer = "",
): Promise<TLSSocket> {
  const socket = await proxy.dial();
  socket.write(Buffer.concat([Buffer.from(connectHead(proxy, target)), Buffer.from(first)]));
  const answer = await readHeadExactly(socket);
  if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(answer);
  return socket;
}

export function connectHead(
  proxy: ProxyUnderTest,
  target: string,
  fields: readonly string[] = [`Host: ${target}`],
  user?: string,
): string {
  const credential = `Proxy-Authorization: ${proxy.credential(user)}`;
  return [`CONNECT ${target} HTTP/1.1`, ...fields, credential, "", ""].join("\r\n");
}

/** Reads a head and not a byte more, so that what follows is the tunnel's. */
async function readHeadExactly(socket: TLSSocket): Promise<string> {
  let text = "";
  while (!text.endsWith("\r\n\r\n")) {
    const byte = socket.read(1) as Buffer | null;
    if (byte === null) {
      if (socket.readableEnded) return text;
      await once(socket, "readable");
    } else text += byte.toString("latin1");
  }
  socket.removeAllListeners("readable");
  return text;
}

export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
