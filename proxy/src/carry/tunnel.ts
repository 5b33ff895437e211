import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { Identity } from "../auth/authenticate.ts";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { TargetReads } from "../dial/reads.ts";
import type { Meter } from "../meter/meter.ts";
import type { TunnelRow } from "./registry.ts";

/** Why a tunnel ended, as the log says it. */
export type TunnelEnd =
  | "done"
  | "client_reset"
  | "target_reset"
  | "idle"
  | "half_close"
  | "lifetime"
  | "drained";

export interface Tunnel {
  readonly openedAt: number;
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

export interface TunnelOptions {
  readonly client: Duplex;
  readonly target: Socket;
  readonly reads: TargetReads | null;
  readonly identity: Identity;
  readonly to: HostPort;
  readonly meter: Meter;
  readonly now: () => number;
}

/**
 * Joins two sockets, each of which may end its direction while the other still flows (RFC 9110 9.3.6). Back-pressure
 * comes from the pipes. Bytes are those of the target's socket: the payload, without the head and without TLS.
 */
export function openTunnel({ client, target, reads, identity, to, meter, now }: TunnelOptions): Tunnel {
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
  meter.add(key, { tunnels: 1 });

  const collect = (): void => {
    const freshUp = bytesUp() - collectedUp;
    const freshDown = bytesDown() - collectedDown;
    if (freshUp + freshDown === 0) return;
    collectedUp += freshUp;
    collectedDown += freshDown;
    meter.add(key, { bytesUp: freshUp, bytesDown: freshDown });
  };
  const close = (why: TunnelEnd): void => {
    if (end === "done") end = why;
    client.destroy();
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
    if (!client.writableFinished) client.end();
    if (!client.readableEnded) client.resume();
    onClose();
  });
  client.pipe(target);
  if (reads === null) target.pipe(client);
  else carryReads(target, reads, client);

  return {
    openedAt,
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

/**
 * A pipe without allocation. A TLS socket that has nothing waiting encrypts what it is given before `write` returns, so
 * the buffer is free for the next read; what has to wait is copied.
 */
function carryReads(target: Socket, reads: TargetReads, client: Duplex): void {
  const encryptsAtOnce = client instanceof TLSSocket;
  const resume = (): void => void target.resume();
  target.on("end", () => client.end());
  reads.deliverTo((bytes) => {
    if (client.destroyed) return false;
    const copied = encryptsAtOnce && client.writableLength === 0 ? bytes : Buffer.from(bytes);
    const more = client.write(copied);
    if (!more) client.once("drain", resume);
    return more;
  });
}
