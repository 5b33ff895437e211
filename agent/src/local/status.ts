import type { RelayUsers } from "../daemon-config.ts";
import type { KeeperStatus } from "../enterprise/keeper.ts";
import type { FormatAlarm } from "../ledger/formats.ts";
import type { PolicyStatus } from "../policy/officer.ts";
import type { ChecksumRow } from "../observe/otlp/checksum.ts";
import type { UpdateStatus } from "../update/watch.ts";

/** What a running daemon says of itself; instants are ISO 8601 in UTC, null where a thing has not happened yet. */
export interface DaemonStatus {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly user: string;
  readonly dataFolder: string;
  readonly controlPlane: string;
  readonly cloudProxy: string | null;
  readonly relay: string | null;
  /** Whom the relay serves: the user who runs the agent, and root; or every user of the machine. */
  readonly relayUsers: RelayUsers;
  readonly captures: readonly string[];
  readonly logs: {
    readonly lookedAt: string | null;
    /** Rows that no reader understood and logs that could not be opened, since the start. */
    readonly broken: number;
  };
  /** The receiver of tools' OpenTelemetry; null where it is off. */
  readonly telemetry: {
    readonly address: string | null;
    /** Why it does not receive; null where it does. */
    readonly problem: string | null;
    /** Calls told of, and requests refused, since the start. */
    readonly calls: number;
    readonly refused: number;
    /** What tools' own metrics say of their output tokens, beside what their events told. */
    readonly checksum: readonly ChecksumRow[];
  } | null;
  /** Formats of tools that this agent does not understand any more: their calls may be missing. */
  readonly notUnderstood: readonly FormatAlarm[];
  /** What the organisation says that calls must hold to, and which rules calls here met. */
  readonly policy: PolicyStatus;
  /** Newer versions, and what becomes of them here. */
  readonly update: UpdateStatus;
  /** Whether what is said in calls is kept on this device. */
  readonly words: KeeperStatus;
  readonly calls: {
    readonly known: number;
    /** Changed and not yet put into the outbox. */
    readonly untold: number;
  };
  readonly delivery: {
    readonly waiting: number;
    readonly deliveredAt: string | null;
    /** Calls that the control plane refused, since the start. */
    readonly rejected: number;
    /** Why the last attempt failed; null where it succeeded. */
    readonly failure: { readonly at: string; readonly reason: string } | null;
  };
  /** Clients that refuse the device's authority, so that their calls pass unread. */
  readonly distrust: readonly { readonly host: string; readonly client: string }[];
}

/** What a daemon notes of itself as it runs. */
export interface Vitals {
  looked(broken: number, at: number): void;
  delivered(at: number): void;
  failed(reason: string, at: number): void;
  rejected(): void;
  read(): Pick<DaemonStatus, "logs"> & { readonly delivery: Omit<DaemonStatus["delivery"], "waiting"> };
}

export function createVitals(): Vitals {
  let logs: DaemonStatus["logs"] = { lookedAt: null, broken: 0 };
  let delivery: Omit<DaemonStatus["delivery"], "waiting"> = { deliveredAt: null, rejected: 0, failure: null };
  return {
    looked: (broken, at) => void (logs = { lookedAt: instant(at), broken: logs.broken + broken }),
    delivered: (at) => void (delivery = { ...delivery, deliveredAt: instant(at), failure: null }),
    failed: (reason, at) => void (delivery = { ...delivery, failure: { at: instant(at), reason } }),
    rejected: () => void (delivery = { ...delivery, rejected: delivery.rejected + 1 }),
    read: () => ({ logs, delivery }),
  };
}

export function instant(at: number): string {
  return new Date(at).toISOString();
}
