import type { ProxyStatus } from "../admin/metrics.ts";
import type { TunnelRow } from "../carry/registry.ts";

/** What a worker is told. Both ends are this program, so nothing here is a stranger's. */
export type ToWorker =
  /** Its place among the others; it serves once it has this. `ticketKeys` is base64. */
  | {
      readonly type: "place";
      readonly workers: number;
      readonly outboxFile: string;
      readonly ticketKeys: string;
    }
  | { readonly type: "tickets"; readonly ticketKeys: string }
  | { readonly type: "ask"; readonly id: number }
  /** Tunnels that the other workers hold open, per scope of a limit. */
  | { readonly type: "others"; readonly open: Readonly<Record<string, number>> }
  | { readonly type: "drain" };

/** What a worker tells. */
export type FromWorker =
  | { readonly type: "hello" }
  | { readonly type: "ready"; readonly address: string }
  | { readonly type: "answer"; readonly id: number; readonly report: WorkerReport }
  | { readonly type: "open"; readonly open: Readonly<Record<string, number>> }
  /** Its last words: what it has counted in its life. */
  | { readonly type: "last"; readonly status: ProxyStatus };

export interface WorkerReport {
  readonly status: ProxyStatus;
  readonly tunnels: readonly TunnelRow[];
  readonly unready: string | null;
}
