import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import type { Clock } from "@flowstate/shared/clock";
import { systemCode } from "@flowstate/shared/errors";
import type { HostPort } from "@flowstate/shared/net/host-port";
import { authenticate, type Identity } from "./auth/authenticate.ts";
import { certificateSubject } from "./auth/certificate.ts";
import type { Keyring } from "./auth/keyring.ts";
import type { Throttle } from "./auth/throttle.ts";
import { forward, refuseResponse } from "./carry/forward.ts";
import type { TunnelRegistry } from "./carry/registry.ts";
import { openTunnel } from "./carry/tunnel.ts";
import { decideDestination } from "./decide/rules.ts";
import type { Dial } from "./dial/connect.ts";
import type { AccessRecord, Events, Outcome } from "./events.ts";
import { fieldValues, parseConnect } from "./head/connect.ts";
import { parseForwardTarget } from "./head/target.ts";
import type { Meter } from "./meter/meter.ts";
import type { RefusalCounter } from "./meter/refusals.ts";
import { refuseSocket, type Refusal } from "./reply.ts";

export interface ConnectionOptions {
  readonly keyring: Keyring;
  readonly throttle: Throttle;
  readonly refusals: RefusalCounter;
  readonly dial: Dial;
  readonly ports: ReadonlySet<number> | "any";
  readonly meter: Meter;
  readonly registry: TunnelRegistry;
  readonly events: Events;
  readonly clock: Clock;
}

/** What stands between a well-formed request and its target. */
type Admission =
  | { readonly kind: "admitted"; readonly identity: Identity; readonly wouldDeny: boolean }
  | {
      readonly kind: "refused";
      readonly refusal: Refusal;
      readonly outcome: Outcome;
      readonly identity: Identity | null;
    };

const mostFields = 100;
const newKeyMs = 1500;
const newKeyStepMs = 50;

/** Joins the stages for every connection of a listener: head, authenticate, decide, dial, carry, meter, one log line. */
export function serveConnections(server: Server, options: ConnectionOptions): void {
  const { events, refusals } = options;
  server.on(
    "connect",
    (request: IncomingMessage, socket: TLSSocket, head: Buffer) =>
      void connect(request, socket, head, options),
  );
  server.on(
    "request",
    (request: IncomingMessage, response: ServerResponse) => void exchange(request, response, options),
  );
  server.on("clientError", (error, socket) => {
    if (socket.destroyed || !socket.writable) return;
    const refusal = malformedHead(systemCode(error));
    if (refusal === null) socket.destroy();
    else refuseSocket(socket, refusal);
  });
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    const code = systemCode(error) ?? "unknown";
    const client = socket.remoteAddress ?? null;
    if (code === "ERR_SSL_HTTP_REQUEST" || code === "ERR_SSL_HTTPS_PROXY_REQUEST") {
      refusals.note("clear_text");
      events.credentialInClear(client);
    } else events.tlsFailed(client, code);
  });
}

async function connect(
  request: IncomingMessage,
  socket: TLSSocket,
  head: Buffer,
  options: ConnectionOptions,
): Promise<void> {
  const { meter, registry, events, clock, dial } = options;
  const startedAt = clock.now();
  const client = socket.remoteAddress ?? null;
  socket.on("error", () => socket.destroy());
  const record = (fields: Partial<AccessRecord> & Pick<AccessRecord, "status" | "outcome">): void =>
    events.access({
      ...emptyRecord,
      method: "CONNECT",
      client,
      target: request.url ?? "",
      durationMs: clock.now() - startedAt,
      ...fields,
    });
  const refuse = (refusal: Refusal, outcome: Outcome, identity: Identity | null): void => {
    record({ ...identity, status: refusal.status, outcome, reason: refusal.text });
    refuseSocket(socket, refusal);
  };

  const parsed = parseConnect(request.url ?? "", request.httpVersion, request.rawHeaders);
  if (tooManyFields(request)) return refuse(fieldsRefusal, "malformed", null);
  if (!parsed.ok) {
    const status = parsed.reason === "target_too_long" ? 414 : 400;
    return refuse({ status, error: "http_protocol_error", text: parsed.detail }, "malformed", null);
  }
  const { to, quirks } = parsed.value;
  const admission = await admit(request, client, to, options);
  if (admission.kind === "refused") return refuse(admission.refusal, admission.outcome, admission.identity);
  const { identity, wouldDeny } = admission;

  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  socket.once("close", onClose);
  const dialled = await dial(to, gone.signal, { asTunnel: true });
  socket.off("close", onClose);
  const key = { orgId: identity.orgId, subject: identity.subject, host: to.host };
  if (wouldDeny) meter.add(key, { wouldDeny: 1 });
  if (dialled.kind === "refused") {
    meter.add(key, { failedTunnels: 1 });
    return refuse(dialled.refusal, dialled.refusal.error ?? "malformed", identity);
  }
  if (socket.destroyed) {
    dialled.socket.destroy();
    return record({
      ...identity,
      status: 499,
      outcome: "connection_terminated",
      reason: "the client left before the target answered",
    });
  }
  socket.setNoDelay(true);
  socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (head.length > 0) socket.unshift(head);
  const tunnel = openTunnel({
    client: socket,
    target: dialled.socket,
    reads: dialled.reads,
    identity,
    to,
    meter,
    now: () => clock.now(),
  });
  registry.add(tunnel);
  const { end, bytesUp, bytesDown } = await tunnel.closed;
  record({ ...identity, status: 200, outcome: "carried", wouldDeny, quirks, end, bytesUp, bytesDown });
}

async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  options: ConnectionOptions,
): Promise<void> {
  const { meter, events, clock, dial } = options;
  const startedAt = clock.now();
  const client = request.socket.remoteAddress ?? null;
  const url = request.url ?? "";
  const record = (fields: Partial<AccessRecord> & Pick<AccessRecord, "status" | "outcome">): void =>
    events.access({
      ...emptyRecord,
      method: request.method ?? "",
      client,
      target: originOf(url),
      durationMs: clock.now() - startedAt,
      ...fields,
    });
  const refuse = (refusal: Refusal, outcome: Outcome, identity: Identity | null): void => {
    record({ ...identity, status: refusal.status, outcome, reason: refusal.text });
    request.resume();
    refuseResponse(response, refusal);
  };

  if (tooManyFields(request)) return refuse(fieldsRefusal, "malformed", null);
  if (["host", "proxy-authorization"].some((name) => fieldValues(request.rawHeaders, name).length > 1)) {
    return refuse(
      {
        status: 400,
        error: "http_protocol_error",
        text: "host and proxy-authorization must not stand twice",
      },
      "malformed",
      null,
    );
  }
  const target = parseForwardTarget(url);
  if (!target.ok) {
    const status = target.reason === "uri_too_long" ? 414 : 400;
    return refuse({ status, error: "http_protocol_error", text: target.detail }, "malformed", null);
  }
  if (target.value.kind === "ours") {
    const text = "this is a forward proxy; it serves no pages of its own";
    return refuse({ status: url === "*" ? 400 : 421, error: "http_protocol_error", text }, "malformed", null);
  }
  const { to, authority, path } = target.value;
  const admission = await admit(request, client, to, options);
  if (admission.kind === "refused") return refuse(admission.refusal, admission.outcome, admission.identity);
  const { identity, wouldDeny } = admission;
  const key = { orgId: identity.orgId, subject: identity.subject, host: to.host };
  let carried = { bytesUp: 0, bytesDown: 0 };
  const status = await forward({
    request,
    response,
    to,
    authority,
    path,
    dial,
    meter: (increment) => {
      carried = { bytesUp: increment.bytesUp ?? 0, bytesDown: increment.bytesDown ?? 0 };
      meter.add(key, { ...increment, wouldDeny: wouldDeny ? 1 : 0 });
    },
  });
  record({ ...identity, ...carried, status, outcome: "carried", wouldDeny });
}

/** Authentication and policy: everything that is decided before a name is resolved. */
async function admit(
  request: IncomingMessage,
  client: string | null,
  to: HostPort,
  options: ConnectionOptions,
): Promise<Admission> {
  const { keyring, throttle, refusals, clock, ports } = options;
  const [field] = fieldValues(request.rawHeaders, "proxy-authorization");
  const certified = request.socket instanceof TLSSocket ? certificateSubject(request.socket) : null;
  const revision = keyring.revision;
  let authentication = authenticate(field, certified, keyring);
  if (authentication.kind === "challenge" && authentication.mayBeNew) {
    await newerSnapshot(keyring, revision, clock);
    authentication = authenticate(field, certified, keyring);
  }
  switch (authentication.kind) {
    case "not_ready":
      return refused("not_ready", null, {
        status: 503,
        error: "proxy_internal_error",
        text: "the proxy has not yet received its keys from the control plane",
        retryAfterSeconds: 5,
      });
    case "challenge": {
      const { reason, hint, keyHint } = authentication;
      refusals.note(reason);
      if (keyHint !== null) {
        const { delayMs, refuse } = throttle.wrong(client ?? "", keyHint);
        if (delayMs > 0) await clock.sleep(delayMs);
        if (refuse) {
          const text = "too many attempts with a key that is not active";
          return refused("throttled", null, {
            status: 429,
            error: "http_request_denied",
            text,
            retryAfterSeconds: 10,
          });
        }
      }
      return refused("challenged", null, { status: 407, error: null, text: hint });
    }
    case "identified":
      return decide(authentication.identity, to, keyring, ports);
  }
}

/** Somebody who has just been given a key is faster than its way here: an unknown key waits for a newer snapshot, briefly. */
async function newerSnapshot(keyring: Keyring, revision: number | null, clock: Clock): Promise<void> {
  for (let waitedMs = 0; waitedMs < newKeyMs && keyring.revision === revision; waitedMs += newKeyStepMs) {
    await clock.sleep(newKeyStepMs);
  }
}

function decide(
  identity: Identity,
  to: HostPort,
  keyring: Keyring,
  ports: ConnectionOptions["ports"],
): Admission {
  const deny = (text: string): Admission =>
    refused("http_request_denied", identity, { status: 403, error: "http_request_denied", text });
  if (ports !== "any" && !ports.has(to.port)) return deny(`port ${to.port} is not allowed here`);
  const policy = keyring.policyOf(identity.orgId);
  const destination = decideDestination(policy, identity.subject, to);
  if (!destination.allowed) return deny(`${to.host} is not allowed by your organisation's policy`);
  if (policy.quota.mode === "enforce" && keyring.isOverQuota(identity.orgId, identity.subject)) {
    return deny("your organisation's monthly quota for you is used up");
  }
  return { kind: "admitted", identity, wouldDeny: destination.wouldDeny };
}

function refused(outcome: Outcome, identity: Identity | null, refusal: Refusal): Admission {
  return { kind: "refused", outcome, identity, refusal };
}

const emptyRecord = { orgId: null, keyId: null, subject: null, reason: null };

const fieldsRefusal: Refusal = {
  status: 431,
  error: "http_protocol_error",
  text: `the head has more than ${mostFields} fields`,
};

function tooManyFields({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.length > mostFields * 2;
}

/** What a forwarded request is logged as: its path may hold secrets. */
function originOf(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*/i.exec(url)?.[0] ?? "";
}

/** The answer to a head that the parser refused; null where the peer is gone. */
function malformedHead(code: string | null): Refusal | null {
  switch (code) {
    case "ECONNRESET":
    case "EPIPE":
      return null;
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, error: "http_protocol_error", text: "the request head is larger than 16 KiB" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, error: "http_protocol_error", text: "the request head did not arrive in time" };
    default:
      return {
        status: 400,
        error: "http_protocol_error",
        text: "the request head is not HTTP/1.1 as RFC 9112 has it",
      };
  }
}
