import { FlowstateError } from "@flowstate/shared/errors";
import { newId, type OrgId } from "@flowstate/shared/ids";
import { recordAudit } from "../../audit/record.ts";
import { sendEvent, type DeliveryServices } from "./deliver.ts";
import { openDestination } from "./destinations.ts";
import type { SignalEvent } from "./payload.ts";

export interface TestResult {
  readonly ok: boolean;
  readonly status: number | null;
  readonly error: string | null;
}

/** Sends a made-up signal at once, past the outbox. Throws FS_NOT_FOUND. */
export async function testDestination(
  { store, clock, master, post }: Omit<DeliveryServices, "events">,
  { orgId, actor }: { readonly orgId: OrgId; readonly actor: string },
  destinationId: string,
  signal: AbortSignal,
): Promise<TestResult> {
  const destination = await openDestination(store.reader, orgId, destinationId, master);
  if (destination === null) throw new FlowstateError("FS_NOT_FOUND", "there is no destination with that id");
  const now = clock.now();
  const event = madeUp(now);
  const posted = await sendEvent(post, destination, { deliveryId: `msg_${newId(now)}`, event }, now, signal);
  const error = posted.kind === "accepted" ? null : posted.reason;
  await store.transact((db) =>
    recordAudit(db, {
      orgId,
      at: now,
      actor,
      action: "signal_destination.tested",
      target: destinationId,
      detail: error ?? "taken",
    }),
  );
  return { ok: error === null, status: posted.kind === "unreachable" ? null : posted.status, error };
}

function madeUp(now: number): SignalEvent {
  const at = new Date(now).toISOString();
  return {
    type: "signal.test",
    timestamp: at,
    data: {
      id: "sig_test",
      type: "spend_spike",
      category: "BUDGET",
      severity: "INFO",
      meaning: "a test; nothing has happened",
      subject: null,
      serviceAccountId: null,
      sessionId: null,
      service: null,
      detail: {},
      happenedAt: at,
      detectedAt: at,
      resolution: null,
      resolvedBy: null,
      note: null,
    },
  };
}
