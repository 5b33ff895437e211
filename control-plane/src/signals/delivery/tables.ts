import type { SignalSeverity } from "../types.ts";
import type { DeliveryFormat } from "./payload.ts";

export interface SignalDeliveryTables {
  /** Where signals are delivered to. A removed one stays, without its secrets. */
  signal_destinations: {
    org_id: string;
    destination_id: string;
    name: string;
    format: DeliveryFormat;
    /** The host alone: with some receivers, the rest of the address is a secret. */
    host: string;
    /** Sealed address, signing secret and authorization; null once removed. */
    sealed: string | null;
    min_severity: SignalSeverity;
    /** JSON array; null for every category. */
    categories: string | null;
    created_at: number;
    created_by: string;
    last_delivered_at: number | null;
    /** Why the last attempt failed; null after one that did not. */
    last_error: string | null;
    removed_at: number | null;
    /** Since when nothing is delivered there, though it is still wanted. */
    paused_at: number | null;
    /** Until when the signing secret before the present one signs as well; null before the first rotation. */
    old_secret_ends_at: number | null;
  };
  /** What has still to be delivered, written in the transaction of the change that it tells of. */
  signal_deliveries: {
    org_id: string;
    destination_id: string;
    /** Stays the same however often it is tried: the receiver drops what it has seen. */
    delivery_id: string;
    /** JSON: the event as it was. */
    event: string;
    attempts: bigint;
    created_at: number;
  };
}
