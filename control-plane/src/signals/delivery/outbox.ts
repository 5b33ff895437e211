import { newId, type OrgId } from "@flowstate/shared/ids";
import { dayMs } from "@flowstate/shared/time";
import { hastenJob } from "../../store/jobs.ts";
import type { Writer } from "../../store/open.ts";
import type { Signal } from "../queries.ts";
import { signalSeverities, type SignalCategory, type SignalSeverity } from "../types.ts";
import { deliveryJobs } from "./destinations.ts";
import { eventOf, type EventType } from "./payload.ts";

/** What happened longer ago is history by the time it is detected, and is not delivered. */
const newsMs = 7 * dayMs;

/** Puts an event of each signal into the outbox of every destination that wants it, in the transaction of the change. */
export async function enqueueSignals(
  db: Writer,
  orgId: OrgId,
  type: EventType,
  signals: readonly Signal[],
  now: number,
): Promise<void> {
  const news = signals.filter(({ happened_at }) => happened_at >= now - newsMs);
  if (news.length === 0) return;
  const destinations = await db
    .selectFrom("signal_destinations")
    .select(["destination_id", "min_severity", "categories"])
    .where("org_id", "=", orgId)
    .where("removed_at", "is", null)
    .execute();
  for (const { destination_id, min_severity, categories } of destinations) {
    const wanted = news.filter(
      (signal) =>
        rank(signal.severity) >= rank(min_severity) &&
        (categories === null || (JSON.parse(categories) as SignalCategory[]).includes(signal.category)),
    );
    for (const signal of wanted) {
      await db
        .insertInto("signal_deliveries")
        .values({
          org_id: orgId,
          destination_id,
          delivery_id: `msg_${newId(now)}`,
          event: JSON.stringify(eventOf(type, signal, now)),
          attempts: 0n,
          created_at: now,
        })
        .execute();
    }
    if (wanted.length > 0) await hastenJob(db, orgId, `${deliveryJobs}${destination_id}`, now);
  }
}

function rank(severity: SignalSeverity): number {
  return signalSeverities.indexOf(severity);
}
