import * as v from "valibot";
import { WebSocket } from "ws";
import { backoffMs, type Clock } from "@flowstate/shared/clock";
import type { Secret } from "@flowstate/shared/secret";
import { pushMessage, type ProxySnapshot, type PushMessage } from "@flowstate/shared/wire/push";
import { wireCapability } from "@flowstate/shared/wire/version";
import { parseSnapshot } from "./snapshot-file.ts";

export interface LinkOptions {
  readonly controlPlane: URL;
  readonly token: Secret;
  readonly clock: Clock;
  readonly onSnapshot: (snapshot: ProxySnapshot) => void;
  readonly onRevoked: (keyId: string) => void;
  /** The control plane is there, and what it gave last still holds. */
  readonly onHeard: () => void;
  readonly onTrouble: (what: string) => void;
}

const pollMs = 2000;
const silenceMs = 45_000;
const mostBackoffMs = 5000;

/**
 * Follows the control plane's keys and policy until `signal` aborts: by its stream, and by polling while the stream
 * is away, so that a revocation is known within seconds either way.
 */
export async function followControlPlane(options: LinkOptions, signal: AbortSignal): Promise<void> {
  let connected = false;
  await Promise.all([
    keepStream(options, signal, (open) => (connected = open)),
    keepPolling(options, signal, () => connected),
  ]);
}

async function keepStream(
  options: LinkOptions,
  signal: AbortSignal,
  onOpen: (open: boolean) => void,
): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const opened = await readStream(options, signal, onOpen);
    onOpen(false);
    if (opened) attempt = 0;
    await options.clock.sleep(backoffMs(attempt, { maxMs: mostBackoffMs }), signal);
  }
}

/** One connection from its start to its end. Resolves with whether it ever opened; never rejects. */
async function readStream(
  { controlPlane, token, onSnapshot, onRevoked, onHeard, onTrouble }: LinkOptions,
  signal: AbortSignal,
  onOpen: (open: boolean) => void,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const url = new URL("/ingest/v1/stream", controlPlane);
  url.protocol = controlPlane.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, {
    headers: headersWith(token),
    handshakeTimeout: 10_000,
    maxPayload: 256 << 20,
  });
  let opened = false;
  let silence = setTimeout(() => socket.terminate(), silenceMs);
  const stop = (): void => socket.terminate();
  signal.addEventListener("abort", stop, { once: true });
  const alive = (): void => {
    onHeard();
    clearTimeout(silence);
    silence = setTimeout(() => socket.terminate(), silenceMs);
  };
  socket.on("open", () => {
    opened = true;
    onOpen(true);
  });
  socket.on("ping", alive);
  socket.on("message", (data: Buffer) => {
    alive();
    const message = readMessage(data.toString("utf8"));
    if (message === null) onTrouble("the control plane's stream holds a message that is not understood");
    else if (message.type === "revoked") onRevoked(message.keyId);
    else onSnapshot(message.snapshot);
  });
  socket.on("error", (error) => {
    if (!signal.aborted) onTrouble(`the control plane's stream failed: ${error.message}`);
  });
  socket.on("close", () => {
    clearTimeout(silence);
    signal.removeEventListener("abort", stop);
    resolve(opened);
  });
  return promise;
}

async function keepPolling(
  { controlPlane, token, clock, onSnapshot, onHeard, onTrouble }: LinkOptions,
  signal: AbortSignal,
  connected: () => boolean,
): Promise<void> {
  let etag: string | null = null;
  while (!signal.aborted) {
    if (!connected()) {
      try {
        const answer = await fetch(new URL("/ingest/v1/snapshot", controlPlane), {
          headers: { ...headersWith(token), ...(etag === null ? {} : { "if-none-match": etag }) },
          signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
        });
        const text = await answer.text();
        // The stream may have opened meanwhile, and what it brought is newer than this answer.
        if (!connected() && answer.status === 200) {
          const snapshot = parseSnapshot(text, "the control plane's answer");
          etag = answer.headers.get("etag");
          if (snapshot.ok) onSnapshot(snapshot.value);
          else onTrouble(snapshot.detail);
        } else if (answer.status === 304) onHeard();
        else if (answer.status !== 200)
          onTrouble(`the control plane answers ${answer.status} to the key snapshot`);
      } catch (error) {
        if (!signal.aborted) onTrouble(`the control plane cannot be reached: ${(error as Error).message}`);
      }
    }
    await clock.sleep(pollMs, signal);
  }
}

function headersWith(token: Secret): Record<string, string> {
  return { authorization: `Bearer ${token.reveal()}`, "flowstate-capability": String(wireCapability) };
}

function readMessage(text: string): PushMessage | null {
  try {
    const parsed = v.safeParse(pushMessage, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
