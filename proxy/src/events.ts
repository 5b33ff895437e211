import type { Logger } from "@flowstate/shared/log";
import type { TunnelEnd } from "./carry/tunnel.ts";
import type { ProxyErrorType } from "./reply.ts";

/** How a tunnel or a forwarded request came out, as a metric label: few values, never a person or a host. */
export type Outcome =
  | "carried"
  | "challenged"
  | "throttled"
  | "malformed"
  | "not_ready"
  | "limited"
  | ProxyErrorType;

export interface AccessRecord {
  readonly method: string;
  readonly client: string | null;
  readonly target: string;
  readonly orgId: string | null;
  readonly keyId: string | null;
  readonly subject: string | null;
  readonly status: number;
  readonly outcome: Outcome;
  /** Why it was refused, in words; null where it was carried. */
  readonly reason: string | null;
  readonly wouldDeny?: boolean;
  readonly overQuota?: boolean;
  readonly quirks?: readonly string[];
  readonly end?: TunnelEnd;
  readonly bytesUp?: number;
  readonly bytesDown?: number;
  readonly durationMs: number;
}

/** Every fact worth a log line or a counter, in one place, so that labels stay few and never hold an e-mail. */
export interface Events {
  /** The one line of a tunnel or request, written when it is over. */
  access(record: AccessRecord): void;
  connectionOpened(): void;
  credentialInClear(client: string | null): void;
  tlsFailed(client: string | null, code: string): void;
  meterKept(error: unknown, rows: number): void;
  meterRowRejected(seq: number | null, reason: string): void;
  deliveryDelayed(reason: string, waitMs: number): void;
  linkTrouble(what: string): void;
  snapshotTaken(revision: number, keys: number): void;
  keyRevoked(keyId: string): void;
  outboxStuck(reason: string): void;
  workerServes(pid: number | undefined): void;
  workerEnded(how: string, waitMs: number): void;
  restartStopped(why: string): void;
  certificateReplaced(expiresAt: number): void;
  certificateKept(reason: string): void;
  /** Since the start, for /metrics. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly connections: number;
  readonly tlsFailures: number;
  readonly clearCredentials: number;
}

export function createEvents(log: Logger): Events {
  const outcomes = new Map<string, number>();
  let connections = 0;
  let tlsFailures = 0;
  let clearCredentials = 0;
  let trouble: string | null = null;
  return {
    outcomes,
    get connections() {
      return connections;
    },
    get tlsFailures() {
      return tlsFailures;
    },
    get clearCredentials() {
      return clearCredentials;
    },
    access(record) {
      const label = `${record.method === "CONNECT" ? "connect" : "forward"},${record.outcome}`;
      outcomes.set(label, (outcomes.get(label) ?? 0) + 1);
      log.info(record, "access");
    },
    connectionOpened() {
      connections += 1;
    },
    credentialInClear(client) {
      clearCredentials += 1;
      log.warn(
        { client },
        "a client spoke clear text to the TLS port: its credential was exposed on the way; nothing was checked",
      );
    },
    tlsFailed(client, code) {
      tlsFailures += 1;
      log.debug({ client, code }, "TLS handshake failed");
    },
    meterKept: (error, rows) =>
      log.error(
        { err: error, rows },
        "meter rows cannot be written; they are kept in memory and tried again",
      ),
    meterRowRejected: (seq, reason) => log.error({ seq, reason }, "the control plane refused a meter row"),
    deliveryDelayed: (reason, waitMs) =>
      log.warn({ reason, waitMs }, "meter rows wait for the control plane"),
    linkTrouble(what) {
      if (what === trouble) return;
      trouble = what;
      log.warn({ what }, "no fresh keys and policy; serving from the last snapshot");
    },
    snapshotTaken(revision, keys) {
      trouble = null;
      log.info({ revision, keys }, "took a key snapshot");
    },
    outboxStuck: (reason) =>
      log.error({ reason }, "an outbox that a process left behind cannot be read; it is left as it is"),
    workerServes: (worker) => log.info({ worker }, "a worker serves"),
    workerEnded: (how, waitMs) => log.error({ how, waitMs }, "a worker ended; another takes its place"),
    restartStopped: (why) =>
      log.error({ why }, "the rolling restart stops here; the workers there are go on"),
    certificateReplaced: (expiresAt) =>
      log.info({ expiresAt: new Date(expiresAt).toISOString() }, "took the replaced certificate"),
    certificateKept: (reason) =>
      log.error({ reason }, "the replaced certificate is of no use; the one before it stays"),
    keyRevoked: (keyId) => log.info({ keyId }, "a key was revoked"),
  };
}
