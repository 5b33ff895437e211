import type { OrgId } from "@flowstate/shared/ids";
import type { UsageProviderKind } from "../providers/kinds.ts";
import type { Reader } from "../store/open.ts";
import { readFacts } from "./facts.ts";
import { hostsOf } from "./recognise.ts";
import { catalogueServices } from "./services.data.ts";
import {
  decideCoverage,
  decideStanding,
  type Coverage,
  type ServiceFacts,
  type ServiceStanding,
} from "./state.ts";

/** A service as the inventory shows it. */
export interface AiService
  extends ServiceStanding, Pick<ServiceFacts, "activeUsers30d" | "lastSeenAt" | "lastBilledAt"> {
  readonly id: string;
  readonly name: string;
  readonly vendor: string;
  readonly category: string;
  readonly pricingModel: string;
  readonly coverage: readonly Coverage[];
  readonly hosts: readonly string[];
  readonly connector: UsageProviderKind | null;
  readonly notes: string | null;
}

/** Every listed service in the catalogue's order, then what was discovered, by name. */
export async function listServices(db: Reader, orgId: OrgId, now: number): Promise<readonly AiService[]> {
  const facts = await readFacts(db, orgId, now);
  const listed = new Map(catalogueServices.map((row) => [row.id, row]));
  const discovered = [...facts.keys()].filter((id) => !listed.has(id)).sort();
  return [...listed.keys(), ...discovered].flatMap((id) => {
    const row = listed.get(id) ?? null;
    const found = facts.get(id);
    if (found === undefined) return [];
    const { activeUsers30d, lastSeenAt, lastBilledAt } = found;
    return {
      id,
      name: row?.name ?? id,
      vendor: row?.vendor ?? "unknown",
      category: row?.category ?? "Not listed",
      pricingModel: row?.pricingModel ?? "unknown",
      coverage: decideCoverage(id, row),
      ...decideStanding(found, row !== null, now),
      activeUsers30d,
      lastSeenAt,
      lastBilledAt,
      hosts: hostsOf(id),
      connector: row?.connector ?? null,
      notes: row?.notes ?? null,
    };
  });
}
