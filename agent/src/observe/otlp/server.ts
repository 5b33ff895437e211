import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import type { Logger } from "@flowstate/shared/log";
import { http } from "@flowstate/shared/net/http";
import { minuteMs } from "@flowstate/shared/time";
import { parseAsk } from "../../relay/guard.ts";
import { notYours, type Admits } from "../../relay/peer.ts";
import type { Fields } from "../files/json.ts";
import type { Signal } from "./messages.ts";

export interface ReceiverOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Takes one decoded request. It is kept once this resolves, and only then is the emitter answered. */
  readonly onRequest: (signal: Signal, request: Fields) => Promise<void>;
  /** Whether a connection may be served; null, or absent, where every one may. Asked once a connection. */
  readonly admits?: Admits | null;
  readonly log: Logger;
  /** How long a request's head may take to arrive, and its body. */
  readonly receiveMs?: number;
}

export interface Receiver extends AsyncDisposable {
  readonly address: string;
  /** Requests that were refused, since the start. */
  refused(): number;
}

const signals: Readonly<Record<string, Signal>> = {
  "/v1/logs": "logs",
  "/v1/traces": "traces",
  "/v1/metrics": "metrics",
};
const encodings = { "application/x-protobuf": "protobuf", "application/json": "json" } as const;

const mostBytes = 16 << 20;
const mostUnpackedBytes = 64 << 20;
/** Bodies held at once; further emitters are asked to come again. */
const mostAtOnce = 4;
/** Heads and bodies have bounds of their own; Node's look at all connections, each half a minute, would only cost wakes. */
const checkMs = 5 * minuteMs;
const unpack = promisify(gunzip);

/**
 * OTLP/HTTP (opentelemetry-proto, "OTLP/HTTP") on loopback: protobuf or JSON, plain or gzip. Web pages and foreign names
 * are refused: a page may post to loopback. So is who `admits` does not admit: what is told counts as the device's own
 * person's. Rejects with FS_ADDRESS_IN_USE.
 */
export async function startReceiver({
  port,
  onRequest,
  admits = null,
  log,
  receiveMs = 30_000,
}: ReceiverOptions): Promise<Receiver> {
  let refused = 0;
  let held = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { port: own } = server.address() as AddressInfo;
    held += 1;
    try {
      if ((await admitted.get(request.socket)) === false) throw new Refusal(403, notYours("receiver"));
      const taken = await receive(request, { ownPort: own, isBusy: held > mostAtOnce, receiveMs });
      await onRequest(taken.signal, taken.request);
      await answer(response, 200, encodingOf(request), "");
    } catch (error) {
      refused += 1;
      const refusal = error instanceof Refusal ? error : new Refusal(503, "the records could not be kept");
      if (refusal !== error) log.error({ err: error }, "telemetry could not be kept");
      await answer(response, refusal.status, encodingOf(request), refusal.message);
    } finally {
      held -= 1;
    }
  };
  const heads = boundHeads(receiveMs);
  const admitted = new WeakMap<Socket, Promise<boolean>>();
  const server = http.createServer({ connectionsCheckingInterval: checkMs }, (request, response) => {
    response.on("error", () => undefined);
    heads.arrived(request.socket);
    response.once("close", () => heads.await(request.socket));
    take(request, response).catch((error: unknown) => {
      log.error({ err: error }, "telemetry could not be answered");
      response.destroy();
    });
  });
  server.on("connection", (socket) => {
    heads.await(socket);
    if (admits !== null) admitted.set(socket, admits(socket));
    socket.once("close", () => heads.arrived(socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening").catch((error: unknown) => {
    if (systemCode(error) !== "EADDRINUSE") throw error;
    throw new FlowstateError("FS_ADDRESS_IN_USE", `port ${port} of 127.0.0.1 is taken`, { cause: error });
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Ends a connection on which no whole head has come, since it was opened or since its last answer. */
function boundHeads(receiveMs: number) {
  const timers = new WeakMap<Socket, NodeJS.Timeout>();
  const arrived = (socket: Socket): void => clearTimeout(timers.get(socket));
  return {
    arrived,
    await(socket: Socket): void {
      if (socket.destroyed) return;
      arrived(socket);
      timers.set(
        socket,
        setTimeout(() => socket.destroy(), receiveMs),
      );
    },
  };
}

/** Why a request is not taken: its status says to the emitter whether to send it again. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Taken {
  readonly signal: Signal;
  readonly request: Fields;
}

type Encoding = (typeof encodings)[keyof typeof encodings];

function encodingOf({ headers }: IncomingMessage): Encoding | null {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  return encodings[type as keyof typeof encodings] ?? null;
}

interface Reception {
  readonly ownPort: number;
  readonly isBusy: boolean;
  readonly receiveMs: number;
}

async function receive(request: IncomingMessage, { ownPort, isBusy, receiveMs }: Reception): Promise<Taken> {
  const { headers, method } = request;
  const ask = parseAsk(
    {
      url: request.url ?? "",
      host: headers.host,
      origin: headers.origin,
      fetchSite: headers["sec-fetch-site"]?.toString(),
    },
    ownPort,
  );
  if (!ask.ok && ask.reason === "foreign_host") {
    throw new Refusal(403, `this receiver answers to 127.0.0.1:${ownPort} and localhost:${ownPort} only`);
  }
  if (!ask.ok && ask.reason === "web_page") throw new Refusal(403, "this receiver does not answer web pages");
  const signal = ask.ok && ask.value.kind === "own" ? signals[ask.value.path] : undefined;
  if (signal === undefined) throw new Refusal(404, `OTLP is taken at ${Object.keys(signals).join(", ")}`);
  if (method !== "POST") throw new Refusal(405, "OTLP is sent by POST");
  const encoding = encodingOf(request);
  if (encoding === null)
    throw new Refusal(415, `the content type must be one of ${Object.keys(encodings).join(", ")}`);
  if (isBusy) throw new Refusal(503, "too many requests at once");
  const packed = await readBody(request, receiveMs);
  const body = await unpacked(packed, headers["content-encoding"]);
  // Loaded with the first request: most idle agents are never sent one.
  const { decodeRequest } = await import("./decode.ts");
  const decoded = decodeRequest(signal, encoding, body);
  if (!decoded.ok) throw new Refusal(400, decoded.detail);
  return { signal, request: decoded.value };
}

async function readBody(request: IncomingMessage, receiveMs: number): Promise<Buffer> {
  const tooLate = Promise.withResolvers<never>();
  const late = new Refusal(408, `a request is to arrive within ${receiveMs / 1000} seconds`);
  const timer = setTimeout(() => tooLate.reject(late), receiveMs);
  try {
    return await Promise.race([readParts(request), tooLate.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readParts(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > mostBytes) break;
      parts.push(part);
    }
  } catch {
    throw new Refusal(400, "the request broke off");
  }
  if (size > mostBytes) throw new Refusal(413, `a request takes at most ${mostBytes} bytes`);
  return Buffer.concat(parts);
}

async function unpacked(packed: Buffer, encoding: string | undefined): Promise<Buffer> {
  if (encoding === undefined || encoding === "identity") return packed;
  if (encoding !== "gzip") throw new Refusal(415, "the content encoding must be gzip or absent");
  try {
    return await unpack(packed, { maxOutputLength: mostUnpackedBytes });
  } catch (error) {
    if (systemCode(error) === "ERR_BUFFER_TOO_LARGE")
      throw new Refusal(413, `a request unpacks to at most ${mostUnpackedBytes} bytes`);
    throw new Refusal(400, "the body is not gzip");
  }
}

/** An empty message is full success; a refusal is a google.rpc.Status with its sentence, in the emitter's encoding. */
async function answer(
  response: ServerResponse,
  status: number,
  encoding: Encoding | null,
  message: string,
): Promise<void> {
  const isProtobuf = encoding === "protobuf";
  const headers = {
    "content-type": isProtobuf ? "application/x-protobuf" : "application/json",
    ...(status === 503 ? { "retry-after": "1" } : {}),
    // What was not read of a refused body is not waited for.
    ...(status === 200 ? {} : { connection: "close" }),
  };
  const isTaken = status === 200;
  const said = isProtobuf && !isTaken ? (await import("./decode.ts")).encodeStatus(message) : "";
  response.writeHead(status, headers);
  if (isProtobuf) response.end(said);
  else response.end(JSON.stringify(isTaken ? {} : { message }));
}
