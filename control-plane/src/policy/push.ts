import type { Clock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import { listOrgs, raiseRevision } from "../orgs/orgs.ts";
import type { Reader, Store, Writer } from "../store/open.ts";
import { destinationsOf, digestOf, needsMemberships, type ProxyDestinations } from "./destinations.ts";
import { loadMemberships } from "./memberships.ts";
import { readActivePolicy } from "./queries.ts";

const pollMs = 60_000;

/** What proxies are told of the active policy as people belong at `now`. */
export async function loadDestinations(db: Reader, orgId: OrgId, now: number): Promise<ProxyDestinations> {
  const document = (await readActivePolicy(db, orgId))?.document ?? { rules: [] };
  return destinationsOf(document, needsMemberships(document) ? await loadMemberships(db, orgId, now) : null);
}

/** Keeps what proxies are told from now on; false where they have been told it already. */
export async function notePushed(db: Writer, orgId: OrgId, now: number): Promise<boolean> {
  const pushed = digestOf(await loadDestinations(db, orgId, now));
  const { numUpdatedRows } = await db
    .updateTable("policy_heads")
    .set({ pushed })
    .where("org_id", "=", orgId)
    .where("pushed", "!=", pushed)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Tells proxies anew where people have moved into or out of a rule's scope. */
export async function pushMoved(store: Store, orgId: OrgId, now: number): Promise<boolean> {
  const active = await readActivePolicy(store.reader, orgId);
  if (active === null || !needsMemberships(active.document)) return false;
  const told = await store.reader
    .selectFrom("policy_heads")
    .select("pushed")
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  if (told?.pushed === digestOf(await loadDestinations(store.reader, orgId, now))) return false;
  return store.transact(async (db) => {
    const moved = await notePushed(db, orgId, now);
    if (moved) await raiseRevision(db, orgId);
    return moved;
  });
}

/** Looks at every organisation once a minute until `signal` aborts: who belongs where changes in many ways, and by the day. */
export async function watchPolicy(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const { orgId } of await listOrgs(store.reader)) await pushMoved(store, orgId, clock.now());
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pollMs, signal);
  }
}
