import type { Duplex } from "node:stream";
import type { Identity } from "../auth/authenticate.ts";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { Meter } from "../meter/meter.ts";
import type { Observation } from "../meter/observe.ts";
import { join, type JoinOptions } from "./join.ts";
import type { TunnelRow } from "./registry.ts";

/** Why a tunnel ended, as the log says it. */
export type TunnelEnd =
  | "done"
  | "client_reset"
  | "target_reset"
  | "idle"
  | "half_close"
  | "lifetime"
  | "policy"
  | "drained";

export interface Tunnel {
  readonly openedAt: number;
  readonly identity: Identity;
  readonly to: HostPort;
  /** One side has ended and the other has not. */
  readonly halfClosed: boolean;
  /** Notes whether bytes moved since the last call and returns when they last did. */
  touch(now: number): number;
  /** Adds what was carried since the last call to the meter. */
  collect(): void;
  close(end: TunnelEnd): void;
  describe(now: number): TunnelRow;
  /** Resolves once both sides are closed and everything is metered. */
  readonly closed: Promise<{ readonly end: TunnelEnd; readonly bytesUp: number; readonly bytesDown: number }>;
}

export interface TunnelOptions extends JoinOptions {
  readonly identity: Identity;
  readonly to: HostPort;
  readonly meter: Meter;
  readonly now: () => number;
  /** Cuts the client off; where it is one stream of many, that stream alone. */
  readonly cut?: (client: Duplex) => void;
}

/**
 * Carries a tunnel between two sockets, each of which may end its direction while the other still flows (RFC 9110 9.3.6). Bytes
 * are those of the target's socket: the payload, without the head and without TLS.
 */
export function openTunnel(options: TunnelOptions): Tunnel {
  const { client, target, reads, observation, identity, to, meter, now } = options;
  const { cut = (stream) => stream.destroy() } = options;
  const openedAt = now();
  const key = { orgId: identity.orgId, subject: identity.subject, host: to.host };
  // What an upstream proxy was asked and answered is not payload; what it already sent of the payload is.
  const upBefore = target.bytesWritten;
  const downBefore = reads === null ? target.bytesRead - target.readableLength : 0;
  const bytesUp = (): number => target.bytesWritten - upBefore;
  const bytesDown = (): number => target.bytesRead - downBefore;
  let end: TunnelEnd = "done";
  let movedAt = openedAt;
  let seen = 0;
  let collectedUp = 0;
  let collectedDown = 0;
  let collectedRequests = 0;
  let collectedSni = false;

  const collectObserved = (seen: Observation): void => {
    const requests = seen.estimatedRequests - collectedRequests;
    const sni = collectedSni ? null : seen.sni;
    if (requests === 0 && sni === null) return;
    collectedRequests += requests;
    collectedSni ||= sni !== null;
    meter.add(key, {
      ...(requests === 0 ? {} : { estimate: { requests, method: seen.method } }),
      ...(sni === null ? {} : { sni }),
    });
  };
  const collect = (): void => {
    const freshUp = bytesUp() - collectedUp;
    const freshDown = bytesDown() - collectedDown;
    if (freshUp + freshDown === 0) return;
    collectedUp += freshUp;
    collectedDown += freshDown;
    meter.add(key, { bytesUp: freshUp, bytesDown: freshDown });
    if (observation !== null) collectObserved(observation);
  };
  const close = (why: TunnelEnd): void => {
    if (end === "done") end = why;
    if (!client.destroyed) cut(client);
    target.destroy();
  };

  const { promise: closed, resolve } = Promise.withResolvers<Awaited<Tunnel["closed"]>>();
  let open = 2;
  const onClose = (): void => {
    open -= 1;
    if (open > 0) return;
    collect();
    resolve({ end, bytesUp: bytesUp(), bytesDown: bytesDown() });
  };
  client.on("error", () => close("client_reset"));
  target.on("error", () => close("target_reset"));
  client.once("close", () => {
    // A client that went away takes its tunnel with it; one that ended in good order has let the target end first.
    if (!target.readableEnded || !target.writableFinished) target.destroy();
    onClose();
  });
  target.once("close", () => {
    if (!client.writableFinished && joined.delivered) client.end();
    if (!client.readableEnded) client.resume();
    onClose();
  });
  const joined = join(options);

  return {
    openedAt,
    identity,
    to,
    get halfClosed() {
      return client.readableEnded !== target.readableEnded;
    },
    touch(at) {
      const total = target.bytesRead + target.bytesWritten;
      if (total !== seen) movedAt = at;
      seen = total;
      return movedAt;
    },
    collect,
    close,
    closed,
    describe: (at) => ({
      subject: identity.subject,
      host: to.host,
      port: to.port,
      openedAt: new Date(openedAt).toISOString(),
      bytesUp: bytesUp(),
      bytesDown: bytesDown(),
      idleSeconds: Math.floor((at - movedAt) / 1000),
    }),
  };
}
