import type { Clock } from "@flowstate/shared/clock";
import { periodOf, type Period } from "@flowstate/shared/time";
import type { Store } from "../store/open.ts";

const name = "quota_period";
const pollMs = 30_000;

/**
 * Quotas start afresh with the month, so subjects that were over theirs are not any more: the proxies must learn of
 * it. Whichever control plane notices first raises the revisions, once. Returns whether it was this one.
 */
export async function beginMonth(store: Store, period: Period): Promise<boolean> {
  return store.transact(async (db) => {
    const begun = await db
      .insertInto("installation")
      .values({ name, value: period })
      .onConflict((on) =>
        on.column("name").doUpdateSet({ value: period }).where("installation.value", "<", period),
      )
      .returning("name")
      .executeTakeFirst();
    if (begun === undefined) return false;
    await db
      .updateTable("orgs")
      .set((row) => ({ revision: row("revision", "+", 1n) }))
      .where("org_id", "in", (query) => query.selectFrom("quotas").select("org_id"))
      .execute();
    return true;
  });
}

/** Looks at the calendar until `signal` aborts. */
export async function watchMonth(
  store: Store,
  clock: Clock,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  let current: Period | null = null;
  while (!signal.aborted) {
    const period = periodOf(clock.now());
    if (period !== current) {
      await beginMonth(store, period).then(() => (current = period), onError);
    }
    await clock.sleep(pollMs, signal);
  }
}
