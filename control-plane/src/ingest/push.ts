import type { WebSocket } from "ws";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import type { ProxySnapshot, PushMessage } from "@flowstate/shared/wire/push";
import type { Keyring, PresentedKey } from "../keys/keyring.ts";
import { readRevisions } from "../orgs/orgs.ts";
import type { Reader } from "../store/open.ts";
import { buildSnapshot } from "./snapshot.ts";

export interface PushHub {
  /** Takes over a proxy's socket: sends the snapshot now and after every change until it closes. */
  attach(socket: WebSocket, proxy: PresentedKey, token: string): Promise<void>;
  /** Looks for changes now instead of at the next tick. */
  poke(): void;
  /** Looks for changes, also those that another control plane committed, until `signal` aborts. */
  watch(signal: AbortSignal): Promise<void>;
  readonly connected: number;
}

export interface PushHubOptions {
  readonly reader: Reader;
  readonly keyring: Keyring;
  readonly pepper: Buffer;
  readonly clock?: Clock;
  /** How long a change by another process may go unnoticed. */
  readonly pollMs?: number;
  readonly onError?: (error: unknown) => void;
}

interface Attached {
  readonly socket: WebSocket;
  readonly orgId: OrgId;
  readonly token: string;
  sent: ProxySnapshot | null;
  alive: boolean;
}

const policyViolation = 1008;
const pingEveryPolls = 60;

/** Keeps every connected proxy at the newest snapshot of its organisation. */
export function createPushHub({
  reader,
  keyring,
  pepper,
  clock = systemClock,
  pollMs = 500,
  onError = () => undefined,
}: PushHubOptions): PushHub {
  const attached = new Set<Attached>();
  let wake = new AbortController();

  const refresh = async (proxy: Attached): Promise<void> => {
    const snapshot = await buildSnapshot(reader, proxy.orgId, pepper, clock.now());
    for (const message of messagesFor(proxy.sent, snapshot)) proxy.socket.send(JSON.stringify(message));
    proxy.sent = snapshot;
  };

  const refreshChanged = async (): Promise<void> => {
    if (attached.size === 0) return;
    const revisions = await readRevisions(reader);
    for (const proxy of attached) {
      if ((await keyring.check(proxy.token, "enrolment")) === null) {
        proxy.socket.close(policyViolation, "the enrolment token was revoked");
      } else if (proxy.sent !== null && proxy.sent.revision !== revisions.get(proxy.orgId)) {
        // One that has just come is being sent its first snapshot; what has changed since then shows at the next look.
        await refresh(proxy);
      }
    }
  };

  return {
    get connected() {
      return attached.size;
    },
    async attach(socket, { orgId }, token) {
      const proxy: Attached = { socket, orgId, token, sent: null, alive: true };
      attached.add(proxy);
      socket.on("close", () => attached.delete(proxy));
      socket.on("pong", () => (proxy.alive = true));
      socket.on("error", onError);
      await refresh(proxy);
    },
    poke: () => wake.abort(),
    async watch(signal) {
      for (let tick = 1; !signal.aborted; tick += 1) {
        await clock.sleep(pollMs, AbortSignal.any([signal, wake.signal]));
        wake = new AbortController();
        await refreshChanged().catch(onError);
        if (tick % pingEveryPolls === 0) dropSilent(attached);
      }
      for (const { socket } of attached) socket.terminate();
    },
  };
}

/** Revocations go ahead of the snapshot, because they are urgent and small. */
export function messagesFor(before: ProxySnapshot | null, snapshot: ProxySnapshot): readonly PushMessage[] {
  const active = new Set(snapshot.keys.map(({ keyId }) => keyId));
  const revoked = (before?.keys ?? []).filter(({ keyId }) => !active.has(keyId));
  return [
    ...revoked.map(({ keyId }) => ({ type: "revoked" as const, keyId })),
    { type: "snapshot", snapshot },
  ];
}

/** A peer that vanished without a word leaves a socket that looks open. */
function dropSilent(attached: ReadonlySet<Attached>): void {
  for (const proxy of attached) {
    if (!proxy.alive) proxy.socket.terminate();
    proxy.alive = false;
    proxy.socket.ping();
  }
}
