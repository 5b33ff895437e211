import type { Duplex } from "node:stream";
import { Socket } from "node:net";

/** How long a peer that is alone in a tunnel may stay silent, after the other side has ended. */
const halfClosedIdleMs = 300_000;

/**
 * Pipes two connections into each other, each direction until its own end (RFC 9110 9.3.6). A reset on one side is a
 * reset on the other: an answer that broke off must not look complete.
 */
export function join(client: Duplex, target: Duplex): void {
  client.pipe(target);
  target.pipe(client);
  linkEnds(client, target);
  linkEnds(target, client);
}

function linkEnds(one: Duplex, other: Duplex): void {
  one.on("error", () => reset(other));
  one.once("end", () => {
    if (other instanceof Socket) other.setTimeout(halfClosedIdleMs, () => other.destroy());
  });
  one.once("close", () => {
    if (!one.readableEnded) reset(other);
    else if (!one.writableFinished) other.destroy();
  });
}

/** Breaks a connection off so that the peer notices: a TCP reset where the stream is a socket of its own. */
export function reset(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket && !("encrypted" in stream)) stream.resetAndDestroy();
  else stream.destroy();
}
