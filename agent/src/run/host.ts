import { untilSignal } from "@flowstate/shared/lifecycle";

/** Whoever starts a daemon and stops it. */
export interface Host {
  /** Settles when the daemon is to end. */
  readonly stop: Promise<unknown>;
  /** The daemon runs. */
  started(): void;
  /** It runs no more; `failed` where nobody had asked for that. */
  ended(failed: boolean): void;
}

/** A shell, systemd and launchd: they send a signal, and see for themselves how the process fares. */
export function signalHost(): Host {
  return { stop: untilSignal(), started: () => undefined, ended: () => undefined };
}
