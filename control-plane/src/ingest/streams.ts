import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { WebSocketServer, type WebSocket } from "ws";
import type { Clock } from "@flowstate/shared/clock";
import { bearerToken } from "../access/bearer.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { PolicyDesk } from "../policy/desk.ts";
import { findDevice } from "./device.ts";
import { streamPolicy } from "./policy-stream.ts";
import type { PushHub } from "./push.ts";

export interface StreamDependencies {
  readonly keyring: Keyring;
  readonly hub: PushHub;
  readonly desk: PolicyDesk;
  readonly clock: Clock;
}

/** Serves one open socket until it closes. */
type Service = (socket: WebSocket) => Promise<void>;

/** Whether a device asks, with Basic credentials, and no proxy with its bearer token. */
export function isDevices({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return /^Basic /i.test(headers.authorization ?? "");
}

/** Upgrades `/ingest/v1/stream`: keys and policy for a proxy, its person's policy for an agent. Any other upgrade is refused. */
export function acceptStreams(app: FastifyInstance, dependencies: StreamDependencies): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 << 10 });
  const accept = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    if (request.url?.split("?")[0] !== "/ingest/v1/stream") return refuseUpgrade(socket, "404 Not Found");
    const serve = await (isDevices(request) ? agentService : proxyService)(request.headers, dependencies);
    if (serve === null) return refuseUpgrade(socket, "401 Unauthorized");
    sockets.handleUpgrade(request, socket, head, (stream) => {
      serve(stream).catch((error: unknown) => {
        app.log.error({ err: error }, "a stream failed");
        stream.close(1011);
      });
    });
  };
  app.server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    accept(request, socket, head).catch(() => refuseUpgrade(socket, "503 Service Unavailable"));
  });
}

/** Null where the token opens no stream. */
async function proxyService(
  { authorization }: IncomingHttpHeaders,
  { keyring, hub }: StreamDependencies,
): Promise<Service | null> {
  const token = bearerToken(authorization);
  const proxy = await keyring.check(token, "enrolment");
  return proxy === null ? null : (socket) => hub.attach(socket, proxy, token);
}

/** Null where the credentials are no device's. */
async function agentService(
  headers: IncomingHttpHeaders,
  { keyring, desk, clock }: StreamDependencies,
): Promise<Service | null> {
  const find = () => findDevice(headers.authorization, keyring);
  const device = await find();
  if (!device.ok) return null;
  const follower = { ...device.value, etag: headers["if-none-match"] ?? null };
  const isWelcome = async (): Promise<boolean> => (await find()).ok;
  return (socket) => streamPolicy(socket, follower, { desk, clock, isWelcome });
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
