import type { Clock } from "@flowstate/shared/clock";
import type { Timing } from "../config.ts";
import type { Tunnel, TunnelEnd } from "./tunnel.ts";

/** One line of `/tunnels`. */
export interface TunnelRow {
  readonly subject: string;
  readonly host: string;
  readonly port: number;
  readonly openedAt: string;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly idleSeconds: number;
}

/** Every open tunnel. One coarse clock watches them all: no timer per tunnel, none per byte. */
export interface TunnelRegistry {
  readonly size: number;
  add(tunnel: Tunnel): void;
  list(): readonly TunnelRow[];
  /** Lets each tunnel add what it carried since the last call to the meter. */
  collect(): void;
  /** Closes the tunnels that `keep` would not have any more. */
  review(keep: (tunnel: Tunnel) => boolean): void;
  /** Closes tunnels that are idle, half closed for too long, or too old, until `signal` aborts. */
  watch(signal: AbortSignal): Promise<void>;
  /**
   * Closes idle tunnels, waits for the others, and for those that may still come of what is `unsettled`, until the
   * deadline, then closes them too.
   */
  drain(deadlineMs: number, unsettled: () => boolean): Promise<void>;
}

const tickMs = 1000;
const drainTickMs = 20;
const quietMs = 1000;

export function createTunnelRegistry(timing: Timing, clock: Clock): TunnelRegistry {
  const tunnels = new Set<Tunnel>();
  const due = (tunnel: Tunnel, now: number): TunnelEnd | null => {
    const idleMs = now - tunnel.touch(now);
    if (now - tunnel.openedAt >= timing.lifetimeMs) return "lifetime";
    if (tunnel.halfClosed && idleMs >= timing.halfCloseMs) return "half_close";
    return idleMs >= timing.idleMs ? "idle" : null;
  };
  return {
    get size() {
      return tunnels.size;
    },
    add(tunnel) {
      tunnels.add(tunnel);
      void tunnel.closed.then(() => tunnels.delete(tunnel));
    },
    list: () => Array.from(tunnels, (tunnel) => tunnel.describe(clock.now())),
    collect() {
      for (const tunnel of tunnels) tunnel.collect();
    },
    review(keep) {
      for (const tunnel of tunnels) if (!keep(tunnel)) tunnel.close("policy");
    },
    async watch(signal) {
      while (!signal.aborted) {
        await clock.sleep(Math.min(tickMs, timing.idleMs, timing.halfCloseMs), signal);
        const now = clock.now();
        for (const tunnel of tunnels) {
          const end = due(tunnel, now);
          if (end !== null) tunnel.close(end);
        }
      }
    },
    async drain(deadlineMs, unsettled) {
      const deadline = clock.now() + deadlineMs;
      while ((tunnels.size > 0 || unsettled()) && clock.now() < deadline) {
        const now = clock.now();
        for (const tunnel of tunnels) if (now - tunnel.touch(now) >= quietMs) tunnel.close("drained");
        await clock.sleep(drainTickMs);
      }
      for (const tunnel of tunnels) tunnel.close("drained");
    },
  };
}
