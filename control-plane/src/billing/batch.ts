import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { BillLine, DayWindow, Pulled, VendorIdentity, VendorUsage } from "../providers/connector.ts";
import { providerSlugs, type UsageProviderKind } from "../providers/kinds.ts";
import type { Reader, Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { recordBillingChanged } from "./changed.ts";
import { withdrawUnseen } from "./close-pull.ts";
import type { LineSource } from "./line-row.ts";
import { writeLines } from "./lines.ts";
import { loadPeople, reassign, writeIdentities, type People } from "./people.ts";
import { writeVendorUsage } from "./vendor-usage.ts";

/** What a connector gave, sorted by what becomes of it. */
export interface Batch {
  readonly lines: readonly BillLine[];
  readonly usages: readonly VendorUsage[];
  readonly identities: readonly VendorIdentity[];
  /** Feeds that ended with this batch. */
  readonly feeds: readonly string[];
}

export function sortPulled(items: readonly Pulled[]): Batch {
  return {
    lines: items.flatMap((item) => (item.type === "line" ? item.line : [])),
    usages: items.flatMap((item) => (item.type === "usage" ? item.usage : [])),
    identities: items.flatMap((item) => (item.type === "identity" ? item.identity : [])),
    feeds: items.flatMap((item) => (item.type === "covered" ? item.feed : [])),
  };
}

export interface WrittenBatch {
  readonly lines: number;
  readonly added: number;
  readonly revised: number;
  readonly withdrawn: number;
  /** Whose names are whose, once this batch's directory entries count. */
  readonly people: People;
}

/** Stores a batch and records which months' bills are others than before, all in the caller's transaction. */
export async function writeBatch(
  db: Writer,
  engine: Engine,
  given: LineSource,
  { lines, usages, identities, feeds }: Batch,
  window: DayWindow,
): Promise<WrittenBatch> {
  const { orgId, kind, now } = given;
  const renamed = await writeIdentities(db, engine, given, identities);
  const people = renamed.length === 0 ? given.people : await loadPeopleOf(db, orgId, kind);
  const source = { ...given, people };
  const periods: Period[] = [...(await reassign(db, orgId, { kinds: [kind], names: renamed, people }))];
  const written = await writeLines(db, engine, source, lines);
  periods.push(...written.periods);
  await writeVendorUsage(db, engine, source, usages);
  let withdrawn = 0;
  for (const feed of feeds) {
    const gone = await withdrawUnseen(db, source, feed, window);
    withdrawn += gone.withdrawn;
    periods.push(...gone.periods);
  }
  await recordBillingChanged(db, orgId, periods, now);
  return { lines: lines.length, added: written.added, revised: written.revised, withdrawn, people };
}

/** Whose names are whose at the vendor of that kind. */
export function loadPeopleOf(db: Reader, orgId: OrgId, kind: UsageProviderKind): Promise<People> {
  return loadPeople(db, orgId, providerSlugs[kind][0] ?? "");
}
