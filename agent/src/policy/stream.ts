import * as v from "valibot";
import { WebSocket } from "ws";
import type { Clock } from "@flowstate/shared/clock";
import { http, https } from "@flowstate/shared/net/http";
import { minuteMs, untilNext } from "@flowstate/shared/time";
import { policyMessage } from "@flowstate/shared/wire/agent-policy";
import type { KeptPolicy } from "./kept.ts";
import { mostPolicyBytes, type QuestionOptions } from "./question.ts";

export interface StreamOptions extends QuestionOptions {
  readonly clock: Clock;
  /** What is known already, which is not sent again; null for nothing. */
  readonly etag: string | null;
  readonly onOpen: () => void;
  readonly onPolicy: (kept: KeptPolicy) => void;
  /** The control plane is there, and what it said last still holds. */
  readonly onHeard: () => void;
}

const openMs = 10_000;
/** The control plane pings twice in that time. It is looked with each minute, as everything that has time. */
const silenceMs = 75_000;

/**
 * One connection by which the control plane pushes the policy, from its start to its end: closed by either side, by
 * `signal`, or given up because nothing was heard or understood. Resolves when it is over; rejects only with what
 * `onPolicy` throws.
 */
export async function streamPolicy(options: StreamOptions, signal: AbortSignal): Promise<void> {
  const { clock, onOpen, onPolicy, onHeard } = options;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(options);
  const over = new AbortController();
  let heardAt = clock.now();
  const noteHeard = (): void => {
    heardAt = clock.now();
    onHeard();
  };
  socket.on("open", () => {
    noteHeard();
    onOpen();
  });
  socket.on("ping", noteHeard);
  socket.on("message", (data: Buffer) => {
    noteHeard();
    const message = parseMessage(data.toString("utf8"));
    if (message === "strange") socket.terminate();
    if (typeof message === "string") return;
    try {
      onPolicy(message);
    } catch (error) {
      reject(error);
      socket.terminate();
    }
  });
  // A close follows. Whoever cannot be reached by a stream is by questions, and what these meet is told.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    over.abort();
    resolve();
  });
  const watchOver = async (): Promise<void> => {
    const ending = AbortSignal.any([signal, over.signal]);
    for (;;) {
      await clock.sleep(untilNext(minuteMs, clock.now()), ending);
      // The clock may have been set back.
      heardAt = Math.min(heardAt, clock.now());
      if (ending.aborted || clock.now() - heardAt >= silenceMs) return socket.terminate();
    }
  };
  await Promise.all([ended, watchOver()]);
}

function connect({ controlPlane, credential, etag }: StreamOptions): WebSocket {
  const url = new URL("/ingest/v1/stream", controlPlane);
  const isSecure = url.protocol === "https:";
  url.protocol = isSecure ? "wss:" : "ws:";
  return new WebSocket(url, {
    headers: {
      authorization: credential.reveal(),
      ...(etag === null ? {} : { "if-none-match": etag }),
    },
    // It leads through the network's own proxy where there is one; left to itself a WebSocket knows none.
    agent: (isSecure ? https : http).globalAgent,
    handshakeTimeout: openMs,
    maxPayload: mostPolicyBytes,
    perMessageDeflate: false,
  });
}

/** What a later version says besides is passed over; a policy that is not understood is for a question to complain of. */
function parseMessage(text: string): KeptPolicy | "other" | "strange" {
  try {
    const value: unknown = JSON.parse(text);
    const message = v.safeParse(policyMessage, value);
    if (message.success) return { etag: message.output.etag, policy: message.output.policy };
    return v.is(v.object({ type: v.literal("policy") }), value) ? "strange" : "other";
  } catch {
    return "strange";
  }
}
