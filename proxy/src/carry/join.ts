import type { Socket } from "node:net";
import { Transform, type Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { assert } from "@flowstate/shared/assert";
import type { TargetReads } from "../dial/reads.ts";
import type { Observation } from "../meter/observe.ts";

export interface JoinOptions {
  readonly client: Duplex;
  readonly target: Socket;
  /** Null where the target is read as a stream. */
  readonly reads: TargetReads | null;
  /** Null where what passes is no tunnel's ciphertext. */
  readonly observation: Observation | null;
  /** Milliseconds that so many bytes have to wait; null where bandwidth is not limited. */
  readonly pace: ((bytes: number) => number) | null;
}

export interface Joined {
  /** Everything that the target sent has been handed to the client. */
  readonly delivered: boolean;
}

/** Pipes two sockets into each other, each direction until its own end. Back-pressure comes from the streams. */
export function join({ client, target, reads, observation, pace }: JoinOptions): Joined {
  if (observation !== null) client.on("data", (bytes: Buffer) => observation.fromClient(bytes));
  if (observation !== null && reads === null)
    target.on("data", (bytes: Buffer) => observation.fromServer(bytes));
  if (pace !== null) {
    assert(reads === null, "a paced target is read as a stream");
    const down = pacer(pace);
    client.pipe(pacer(pace)).pipe(target);
    target.pipe(down).pipe(client);
    return {
      get delivered() {
        return down.readableEnded;
      },
    };
  }
  client.pipe(target);
  if (reads === null) target.pipe(client);
  else carryReads(target, reads, client, observation);
  return { delivered: true };
}

/**
 * A pipe without allocation. A TLS socket that has nothing waiting encrypts what it is given before `write` returns, so
 * the buffer is free for the next read; what has to wait is copied.
 */
function carryReads(
  target: Socket,
  reads: TargetReads,
  client: Duplex,
  observation: Observation | null,
): void {
  const encryptsAtOnce = client instanceof TLSSocket;
  const resume = (): void => void target.resume();
  target.on("end", () => client.end());
  reads.deliverTo((bytes) => {
    if (client.destroyed) return false;
    observation?.fromServer(bytes);
    const copied = encryptsAtOnce && client.writableLength === 0 ? bytes : Buffer.from(bytes);
    const more = client.write(copied);
    if (!more) client.once("drain", resume);
    return more;
  });
}

function pacer(pace: (bytes: number) => number): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const waitMs = pace(chunk.length);
      if (waitMs === 0) done(null, chunk);
      else setTimeout(done, waitMs, null, chunk);
    },
  });
}
