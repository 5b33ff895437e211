import { randomBytes } from "node:crypto";
import { createLogger } from "@flowstate/shared/log";
import type { OrgId } from "@flowstate/shared/ids";
import { createEvents } from "../../src/events.ts";
import type { BillingTables } from "../../src/billing/tables.ts";
import type { IntegrationContext } from "../../src/providers/integrations.ts";
import { findConnector } from "../../src/providers/registry.ts";
import type { SyncServices } from "../../src/providers/sync.ts";
import type { MasterKey } from "../../src/secrets/master-key.ts";
import type { Store } from "../../src/store/open.ts";
import { hurriedClock, type HurriedClock } from "./clock.ts";

export interface Syncing {
  readonly services: SyncServices & { readonly clock: HurriedClock };
  readonly context: () => IntegrationContext;
}

export const testMaster: MasterKey = { id: "test", wrapping: randomBytes(32), pepper: randomBytes(32) };
export const never = new AbortController().signal;

/** What syncing stands on, in one process. Several of them on one database are several control planes. */
export function syncingOn(store: Store, orgId: OrgId, clock: HurriedClock = hurriedClock()): Syncing {
  return {
    services: {
      store,
      clock,
      findConnector,
      master: testMaster,
      events: createEvents(createLogger("test", "silent")),
      baseUrlAllowed: true,
    },
    context: () => ({ orgId, actor: "test", now: clock.now() }),
  };
}

/** Every row of the bills without when it was written, in one order. */
export async function readRows(
  store: Store,
  orgId: OrgId,
): Promise<readonly BillingTables["billing_rows"][]> {
  const rows = await store.reader
    .selectFrom("billing_rows")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("fact_key")
    .execute();
  return rows.map((row) => ({
    ...row,
    first_seen_at: 0,
    updated_at: 0,
    last_seen_at: 0,
    withdrawn_at: row.withdrawn_at === null ? null : 1,
  }));
}

/** Amounts of every revision of one line, the oldest first. */
export async function readRevisions(store: Store, orgId: OrgId, factKey: string): Promise<readonly string[]> {
  const rows = await store.reader
    .selectFrom("billing_revisions")
    .innerJoin("billing_rows", (join) =>
      join
        .onRef("billing_rows.org_id", "=", "billing_revisions.org_id")
        .onRef("billing_rows.row_id", "=", "billing_revisions.row_id"),
    )
    .select(["billing_revisions.revision", "billing_revisions.original_amount"])
    .where("billing_rows.org_id", "=", orgId)
    .where("billing_rows.fact_key", "=", factKey)
    .orderBy("billing_revisions.revision")
    .execute();
  return rows.map(({ revision, original_amount }) => `${revision}: ${original_amount}`);
}
