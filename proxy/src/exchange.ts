import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { peerAddress } from "./accept/peer.ts";
import { startRecord } from "./access.ts";
import { admit, type Admitted } from "./admission.ts";
import { certificateSubject } from "./auth/certificate.ts";
import type { Identity } from "./auth/authenticate.ts";
import { forward, refuseResponse } from "./carry/forward.ts";
import { openTunnel } from "./carry/tunnel.ts";
import { upgrade } from "./carry/upgrade.ts";
import type { ConnectOptions } from "./connect.ts";
import type { Outcome } from "./events.ts";
import { checkHead, fieldValues } from "./head/fields.ts";
import { parseForwardTarget, type ForwardTarget } from "./head/target.ts";
import type { Increment } from "./meter/meter.ts";
import { refuseSocket, type Refusal } from "./reply.ts";

type Refuse = (refusal: Refusal, outcome: Outcome, identity: Identity | null) => void;

/** What is left to do once an absolute-form request may go on. */
interface Onward extends Admitted {
  readonly target: ForwardTarget;
  readonly count: (increment: Increment) => void;
  readonly record: ReturnType<typeof startRecord>;
}

/** Carries one request in absolute form to its origin: head, admission, dial, carry, one log line. */
export async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  options: ConnectOptions,
): Promise<void> {
  const refuse = (refusal: Refusal): void => {
    request.resume();
    refuseResponse(response, refusal);
  };
  const onward = await takeOn(request, refuse, options);
  if (onward === null) return;
  const { identity, slot, target, wouldDeny, record } = onward;
  let carried = { bytesUp: 0, bytesDown: 0 };
  const { status, refusal } = await forward({
    ...target,
    request,
    response,
    expectsContinue,
    dial: options.dial,
    meter(increment) {
      carried = { bytesUp: increment.bytesUp ?? 0, bytesDown: increment.bytesDown ?? 0 };
      onward.count(increment);
    },
  }).finally(() => slot.release());
  const outcome = refusal === null ? "carried" : (refusal.error ?? "malformed");
  record({ ...identity, ...carried, status, outcome, reason: refusal?.text ?? null, wouldDeny });
}

/** Carries a request that changes its protocol, as a WebSocket does: after the origin's 101 it is a tunnel. */
export async function switchProtocol(
  request: IncomingMessage,
  socket: TLSSocket,
  head: Buffer,
  options: ConnectOptions,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  const onward = await takeOn(request, (refusal) => refuseSocket(socket, refusal), options);
  if (onward === null) return;
  const { identity, wouldDeny, record, slot } = onward;
  try {
    const upgraded = await upgrade({ ...onward.target, request, client: socket, dial: options.dial });
    if (upgraded.kind === "refused") {
      const { status, error, text } = upgraded.refusal;
      onward.count({ failedTunnels: 1 });
      return record({ ...identity, status, outcome: error ?? "malformed", reason: text, wouldDeny });
    }
    const { target } = upgraded;
    onward.count({ requests: 1 });
    if (upgraded.kind === "answered") {
      onward.count({ bytesUp: target.bytesWritten, bytesDown: target.bytesRead });
      return record({ ...identity, status: upgraded.status, outcome: "carried", wouldDeny });
    }
    const { end, bytesUp, bytesDown } = await carryOn(socket, head, upgraded.target, onward, options);
    record({ ...identity, status: 101, outcome: "carried", wouldDeny, end, bytesUp, bytesDown });
  } finally {
    slot.release();
  }
}

function carryOn(
  client: Duplex,
  head: Buffer,
  origin: Parameters<typeof openTunnel>[0]["target"],
  { identity, slot, target }: Onward,
  { meter, registry, clock }: ConnectOptions,
): ReturnType<typeof openTunnel>["closed"] {
  if (head.length > 0) client.unshift(head);
  const tunnel = openTunnel({
    client,
    target: origin,
    reads: null,
    observation: null,
    pace: slot.pace,
    identity,
    to: target.to,
    meter,
    now: () => clock.now(),
  });
  registry.add(tunnel);
  return tunnel.closed;
}

/** Reads the head and asks for admission. Null where the request has been refused and logged. */
async function takeOn(
  request: IncomingMessage,
  answer: (refusal: Refusal) => void,
  options: ConnectOptions,
): Promise<Onward | null> {
  const { events, clock, meter } = options;
  const { socket, rawHeaders, url = "" } = request;
  const client = socket instanceof TLSSocket ? peerAddress(socket) : null;
  const method = request.method ?? "";
  const record = startRecord({ events, clock }, { method, client, target: originOf(url) });
  const refuse: Refuse = (refusal, outcome, identity) => {
    record({ ...identity, status: refusal.status, outcome, reason: refusal.text });
    answer(refusal);
  };
  const target = readHead(request);
  if (target.kind === "refused") {
    refuse(target.refusal, "malformed", null);
    return null;
  }
  const { to } = target;
  const [credential] = fieldValues(rawHeaders, "proxy-authorization");
  const certified = socket instanceof TLSSocket ? certificateSubject(socket) : null;
  const admission = await admit({ credential, certified, client, to }, options);
  if (admission.kind === "refused") {
    refuse(admission.refusal, admission.outcome, admission.identity);
    return null;
  }
  const { identity } = admission;
  const key = { orgId: identity.orgId, subject: identity.subject, host: to.host };
  if (admission.wouldDeny) meter.add(key, { wouldDeny: 1 });
  return { ...admission, target, record, count: (increment) => meter.add(key, increment) };
}

function readHead({
  httpVersion,
  rawHeaders,
  url = "",
}: IncomingMessage): ForwardTarget | { readonly kind: "refused"; readonly refusal: Refusal } {
  const refused = (
    status: number,
    text: string,
  ): { readonly kind: "refused"; readonly refusal: Refusal } => ({
    kind: "refused",
    refusal: { status, error: "http_protocol_error", text },
  });
  const wrong = checkHead(httpVersion, rawHeaders);
  if (wrong !== null) return { kind: "refused", refusal: wrong };
  if (["host", "proxy-authorization"].some((name) => fieldValues(rawHeaders, name).length > 1))
    return refused(400, "host and proxy-authorization must not stand twice");
  const target = parseForwardTarget(url);
  if (!target.ok) return refused(target.reason === "uri_too_long" ? 414 : 400, target.detail);
  if (target.value.kind === "ours")
    return refused(url === "*" ? 400 : 421, "this is a forward proxy; it serves no pages of its own");
  return target.value;
}

/** What a forwarded request is logged as: its path may hold secrets. */
function originOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*/i.exec(url)?.[0] ?? "";
}
