import type { IncomingMessage } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "@flowstate/shared/clock";
import { peerAddress } from "./accept/peer.ts";
import { startRecord } from "./access.ts";
import { admit, type AdmissionOptions, type Admitted } from "./admission.ts";
import { certificateSubject } from "./auth/certificate.ts";
import type { Identity } from "./auth/authenticate.ts";
import type { TunnelRegistry } from "./carry/registry.ts";
import { openTunnel } from "./carry/tunnel.ts";
import type { Dial } from "./dial/connect.ts";
import type { Events, Outcome } from "./events.ts";
import { parseConnect, type ConnectRequest } from "./head/connect.ts";
import { checkHead, fieldValues } from "./head/fields.ts";
import type { Meter } from "./meter/meter.ts";
import { observeTunnel } from "./meter/observe.ts";
import { clientLeft, refuseSocket, refuseStream, type Refusal } from "./reply.ts";

export interface ConnectOptions extends AdmissionOptions {
  readonly dial: Dial;
  readonly meter: Meter;
  readonly registry: TunnelRegistry;
  readonly events: Events;
  readonly clock: Clock;
}

/** As Via would name it (RFC 9110 7.6.3); a head in HTTP/1 syntax cannot claim it. */
const http2 = "2";

/** A CONNECT, as either version of HTTP brings it. */
interface ConnectAsk {
  readonly target: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  readonly connection: TLSSocket;
  /** The client's end of the tunnel. */
  readonly client: Duplex;
  readonly accept: () => void;
  readonly refuse: (refusal: Refusal) => void;
  readonly cut?: (client: Duplex) => void;
}

/** CONNECT over HTTP/1.1: the connection becomes the tunnel. `head` is what came behind the empty line. */
export async function connect(
  request: IncomingMessage,
  socket: TLSSocket,
  head: Buffer,
  options: ConnectOptions,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  await openAsked(
    {
      target: request.url ?? "",
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
      connection: socket,
      client: socket,
      accept() {
        socket.setNoDelay(true);
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        if (head.length > 0) socket.unshift(head);
      },
      refuse: (refusal) => refuseSocket(socket, refusal),
    },
    options,
  );
}

/** CONNECT over HTTP/2: one stream of the connection becomes the tunnel (RFC 9113 8.5). */
export async function connectHttp2(
  stream: ServerHttp2Stream,
  target: string,
  rawHeaders: readonly string[],
  connection: TLSSocket,
  options: ConnectOptions,
): Promise<void> {
  stream.on("error", () => undefined);
  await openAsked(
    {
      target,
      httpVersion: http2,
      rawHeaders,
      connection,
      client: stream,
      accept: () => stream.respond({ ":status": 200 }),
      refuse: (refusal) => refuseStream(stream, refusal),
      // What RFC 9113 8.5 asks for where the target's connection breaks.
      cut: () => stream.close(constants.NGHTTP2_CONNECT_ERROR),
    },
    options,
  );
}

/** Head, admission, dial, carry, one log line. */
async function openAsked(ask: ConnectAsk, options: ConnectOptions): Promise<void> {
  const { events, clock } = options;
  const { connection, rawHeaders } = ask;
  const client = peerAddress(connection);
  const record = startRecord({ events, clock }, { method: "CONNECT", client, target: ask.target });
  const refuse: Refuse = (refusal, outcome, identity) => {
    record({ ...identity, status: refusal.status, outcome, reason: refusal.text });
    if (!ask.client.destroyed) ask.refuse(refusal);
  };
  const parsed = parseConnect(ask.target, ask.httpVersion, rawHeaders);
  const wrong = ask.httpVersion === http2 ? null : checkHead(ask.httpVersion, rawHeaders);
  if (wrong !== null) return refuse(wrong, "malformed", null);
  if (!parsed.ok) {
    const status = parsed.reason === "target_too_long" ? 414 : 400;
    return refuse({ status, error: "http_protocol_error", text: parsed.detail }, "malformed", null);
  }
  const { to } = parsed.value;
  const [credential] = fieldValues(rawHeaders, "proxy-authorization");
  const certified = certificateSubject(connection);
  const admission = await admit({ credential, certified, client, to }, options);
  if (admission.kind === "refused") return refuse(admission.refusal, admission.outcome, admission.identity);
  try {
    await carry(ask, parsed.value, admission, { refuse, record }, options);
  } finally {
    admission.slot.release();
  }
}

type Refuse = (refusal: Refusal, outcome: Outcome, identity: Identity | null) => void;

async function carry(
  { client, accept, cut }: ConnectAsk,
  { to, quirks }: ConnectRequest,
  { identity, wouldDeny, overQuota, slot }: Admitted,
  { refuse, record }: { readonly refuse: Refuse; readonly record: ReturnType<typeof startRecord> },
  { dial, meter, registry, clock }: ConnectOptions,
): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  client.once("close", onClose);
  const dialled = await dial(to, gone.signal, { asTunnel: slot.pace === null });
  client.off("close", onClose);
  const key = { orgId: identity.orgId, subject: identity.subject, host: to.host };
  if (wouldDeny) meter.add(key, { wouldDeny: 1 });
  if (dialled.kind === "refused") {
    meter.add(key, { failedTunnels: 1 });
    return refuse(dialled.refusal, dialled.refusal.error ?? "malformed", identity);
  }
  if (client.destroyed) {
    dialled.socket.destroy();
    return refuse(clientLeft, "connection_terminated", identity);
  }
  accept();
  meter.add(key, { tunnels: 1 });
  const tunnel = openTunnel({
    client,
    target: dialled.socket,
    reads: dialled.reads,
    observation: observeTunnel(to.host),
    pace: slot.pace,
    identity,
    to,
    meter,
    now: () => clock.now(),
    ...(cut === undefined ? {} : { cut }),
  });
  registry.add(tunnel);
  const { end, bytesUp, bytesDown } = await tunnel.closed;
  const marks = { ...(wouldDeny ? { wouldDeny } : {}), ...(overQuota ? { overQuota } : {}) };
  record({ ...identity, status: 200, outcome: "carried", ...marks, quirks, end, bytesUp, bytesDown });
}
