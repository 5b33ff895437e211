import { once } from "node:events";
import { connect, type BlockList, type LookupFunction, type Socket } from "node:net";
import { systemCode } from "@flowstate/shared/errors";
import type { HostPort } from "@flowstate/shared/net/host-port";
import { vetAddress, type VettedAddress } from "../decide/address.ts";
import { clientLeft, type Refusal } from "../reply.ts";
import { createTargetReads, type TargetReads } from "./reads.ts";
import type { Resolve } from "./resolve.ts";

export type Dialled =
  | {
      readonly kind: "open";
      readonly socket: Socket;
      /** Null where the socket is read as a stream. */
      readonly reads: TargetReads | null;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** `asTunnel` asks for `reads` where the way there allows it; without it the socket is a plain stream. */
export type Dial = (
  to: HostPort,
  signal?: AbortSignal,
  options?: { readonly asTunnel: boolean },
) => Promise<Dialled>;

export interface DialOptions {
  readonly resolve: Resolve;
  readonly allow: BlockList;
  readonly timeoutMs: number;
  /** Whether an address and port are this proxy's own, which would be a loop. */
  readonly isOwn: (address: string, port: number) => boolean;
}

const nextAttemptMs = 250;

/**
 * Connects to a target: resolves once, vets every address, and dials by address, so that nothing can change between
 * check and connection. Several vetted addresses are tried staggered (RFC 8305). Never rejects.
 */
export function createDial({ resolve, allow, timeoutMs, isOwn }: DialOptions): Dial {
  return async (to, signal, { asTunnel } = { asTunnel: false }) => {
    const found = await addressesOf(to, resolve);
    if (found.kind === "refused") return found;
    const vettings = found.addresses.map((address) => vetAddress(address, allow));
    const vetted = vettings.flatMap((vetting) => (vetting.kind === "allowed" ? [vetting.vetted] : []));
    const [first, ...rest] = vetted;
    if (first === undefined) {
      const why = vettings.find((vetting) => vetting.kind === "prohibited")?.why ?? "special purpose";
      return refused(502, "destination_ip_prohibited", `${to.host} is no public address (${why})`);
    }
    if (vetted.some(({ address }) => isOwn(address, to.port))) {
      return refused(502, "proxy_loop_detected", `${to.host}:${to.port} is this proxy itself`);
    }
    return open([first, ...rest], to, asTunnel ? createTargetReads() : null, allow, timeoutMs, signal);
  };
}

async function addressesOf(
  { host, family }: HostPort,
  resolve: Resolve,
): Promise<{ kind: "found"; addresses: readonly string[] } | Extract<Dialled, { kind: "refused" }>> {
  if (family !== 0) return { kind: "found", addresses: [host] };
  const resolution = await resolve(host);
  switch (resolution.kind) {
    case "found":
      return { kind: "found", addresses: resolution.addresses.map(({ address }) => address) };
    case "failed":
      return refused(502, "dns_error", `the name ${host} does not resolve`, { rcode: resolution.rcode });
    case "timeout":
      return refused(504, "dns_timeout", `no name server answered for ${host}`);
  }
}

async function open(
  addresses: readonly [VettedAddress, ...VettedAddress[]],
  { host, port }: HostPort,
  reads: TargetReads | null,
  allow: BlockList,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Dialled> {
  const lookup: LookupFunction = (_, options, done) => {
    const [first] = addresses;
    if (options.all === true)
      done(
        null,
        addresses.map(({ address, family }) => ({ address, family })),
      );
    else done(null, first.address, first.family);
  };
  const socket = connect({
    host: addresses.length > 1 ? "vetted" : addresses[0].address,
    port,
    lookup,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: nextAttemptMs,
    ...(reads === null ? {} : { onread: reads.onread }),
  });
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    await once(socket, "connect", {
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
  } catch (error) {
    socket.on("error", () => undefined);
    socket.destroy();
    if (signal?.aborted === true) return { kind: "refused", refusal: clientLeft };
    if (timeout.aborted)
      return refused(504, "connection_timeout", `${host}:${port} did not answer in ${timeoutMs} ms`);
    return { kind: "refused", refusal: describeFailure(error, host, port) };
  }
  // A second fence: what the kernel says it is connected to.
  if (vetAddress(socket.remoteAddress ?? "", allow).kind === "prohibited") {
    socket.destroy();
    return refused(502, "destination_ip_prohibited", `${host} is no public address`);
  }
  return { kind: "open", socket, reads };
}

function describeFailure(error: unknown, host: string, port: number): Refusal {
  const cause = error instanceof AggregateError ? error.errors.at(-1) : error;
  const where = `${host}:${port}`;
  switch (systemCode(cause)) {
    case "ECONNREFUSED":
      return { status: 502, error: "connection_refused", text: `${where} refuses connections` };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return { status: 502, error: "destination_ip_unroutable", text: `there is no route to ${where}` };
    case "ETIMEDOUT":
      return { status: 504, error: "connection_timeout", text: `${where} did not answer` };
    case "ECONNRESET":
      return { status: 502, error: "connection_terminated", text: `${where} closed the connection` };
    case "EMFILE":
    case "ENFILE":
      return {
        status: 503,
        error: "connection_limit_reached",
        text: "the proxy has no connection left",
        retryAfterSeconds: 1,
      };
    default:
      return { status: 502, error: "destination_unavailable", text: `${where} cannot be reached` };
  }
}

function refused(
  status: number,
  error: Refusal["error"],
  text: string,
  parameters: Refusal["parameters"] = {},
): Extract<Dialled, { kind: "refused" }> {
  return { kind: "refused", refusal: { status, error, text, parameters } };
}
