import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { providerSlugs, type UsageProviderKind } from "../providers/kinds.ts";
import { isServiceAccount } from "../service-accounts/subject.ts";
import type { Reader } from "../store/open.ts";
import { serviceOfHost, servicesOfCall } from "./recognise.ts";
import type { CatalogueService } from "./service.ts";
import { catalogueServices } from "./services.data.ts";
import { noFacts, windowMs, type ServiceFacts } from "./state.ts";

/** What traffic and bills say of each service of an organisation, those included that nobody listed. */
export async function readFacts(
  db: Reader,
  orgId: OrgId,
  now: number,
): Promise<ReadonlyMap<string, ServiceFacts>> {
  const [seen, users, bills, entries, connections] = await Promise.all([
    readSeen(db, orgId),
    readUsers(db, orgId, now - windowMs),
    readBills(db, orgId),
    readEntries(db, orgId),
    readConnections(db, orgId),
  ]);
  const billed = mergeBills([...bills, ...entries]);
  const ids = new Set([...catalogueServices.map(({ id }) => id), ...seen.keys(), ...billed.keys()]);
  const listed = new Map(catalogueServices.map((row) => [row.id, row]));
  return new Map(
    [...ids].map((id) => {
      const row = listed.get(id) ?? null;
      const facts: ServiceFacts = {
        ...noFacts,
        activeUsers30d: users.get(id)?.size ?? 0,
        lastSeenAt: seen.get(id) ?? null,
        ...billed.get(id),
        lastBilledElsewhereAt:
          row?.billedBy == null ? null : (billed.get(row.billedBy)?.lastBilledAt ?? null),
        ...(row === null ? {} : connectionOf(row, connections)),
      };
      return [id, facts];
    }),
  );
}

/** Last sign of traffic by service: calls that devices reported and hosts that the proxy tunnelled to. */
async function readSeen(db: Reader, orgId: OrgId): Promise<ReadonlyMap<string, number>> {
  const calls = await db
    .selectFrom("usage_hours")
    .select(["provider", "tool", (row) => row.fn.max("hour").as("seen_at")])
    .where("org_id", "=", orgId)
    .groupBy(["provider", "tool"])
    .execute();
  const hosts = await db
    .selectFrom("meter_hours")
    .select(["host", (row) => row.fn.max("last_seen_at").as("seen_at")])
    .where("org_id", "=", orgId)
    .where(sql<bigint>`tunnels + requests`, ">", 0n)
    .groupBy("host")
    .execute();
  const seen = new Map<string, number>();
  const note = (id: string, at: number) => seen.set(id, Math.max(at, seen.get(id) ?? 0));
  for (const { provider, tool, seen_at } of calls)
    for (const id of servicesOfCall(provider, tool)) note(id, seen_at);
  for (const { host, seen_at } of hosts) {
    const id = serviceOfHost(host);
    if (id !== null) note(id, seen_at);
  }
  return seen;
}

/** Who used each service since then, by either kind of observation. */
async function readUsers(
  db: Reader,
  orgId: OrgId,
  since: number,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const calls = await db
    .selectFrom("usage_hours")
    .select(["provider", "tool", "subject"])
    .distinct()
    .where("org_id", "=", orgId)
    .where("hour", ">=", since)
    .execute();
  const hosts = await db
    .selectFrom("meter_hours")
    .select(["host", "subject"])
    .distinct()
    .where("org_id", "=", orgId)
    .where("hour", ">=", since)
    .where(sql<bigint>`tunnels + requests`, ">", 0n)
    .execute();
  const uses = [
    ...calls.flatMap(({ provider, tool, subject }) =>
      servicesOfCall(provider, tool).map((id) => ({ id, subject })),
    ),
    ...hosts.map(({ host, subject }) => ({ id: serviceOfHost(host) ?? "", subject })),
  ];
  const byService = Map.groupBy(
    uses.filter(({ subject }) => !isServiceAccount(subject)),
    ({ id }) => id,
  );
  return new Map(
    [...byService].map(([id, all]) => [id, new Set(all.map(({ subject }) => subject))] as const),
  );
}

interface BilledDays {
  readonly service: string;
  readonly first: number;
  readonly last: number;
  /** Whether the provider that billed is still connected. */
  readonly live: boolean;
}

async function readBills(db: Reader, orgId: OrgId): Promise<readonly BilledDays[]> {
  const rows = await db
    .selectFrom("billing_rows")
    .innerJoin("usage_providers", (join) =>
      join
        .onRef("usage_providers.org_id", "=", "billing_rows.org_id")
        .onRef("usage_providers.provider_id", "=", "billing_rows.provider_id"),
    )
    .select([
      "billing_rows.service",
      "usage_providers.removed_at",
      (row) => row.fn.min("billing_rows.usage_day").as("first"),
      (row) => row.fn.max("billing_rows.usage_day").as("last"),
    ])
    .where("billing_rows.org_id", "=", orgId)
    .where("billing_rows.withdrawn_at", "is", null)
    .where("billing_rows.grade", "<>", "allocated")
    .groupBy(["billing_rows.service", "usage_providers.provider_id", "usage_providers.removed_at"])
    .execute();
  return rows.map(({ service, removed_at, first, last }) => ({
    service,
    first: startOf(first),
    last: startOf(last),
    live: removed_at === null,
  }));
}

/** What was entered by hand counts as billed on the first day of its month. */
async function readEntries(db: Reader, orgId: OrgId): Promise<readonly BilledDays[]> {
  const rows = await db
    .selectFrom("ai_agent_entries")
    .select(["service", "period"])
    .distinct()
    .where("org_id", "=", orgId)
    .where("service", "is not", null)
    .execute();
  return rows.map(({ service, period }) => {
    const at = startOf(`${period}-01`);
    return { service: service ?? "", first: at, last: at, live: true };
  });
}

function mergeBills(
  bills: readonly BilledDays[],
): ReadonlyMap<string, Pick<ServiceFacts, "firstBilledAt" | "lastBilledAt" | "lastLiveBilledAt">> {
  return new Map(
    [...Map.groupBy(bills, ({ service }) => service)].map(([id, all]) => {
      const live = all.filter(({ live: isLive }) => isLive).map(({ last }) => last);
      return [
        id,
        {
          firstBilledAt: Math.min(...all.map(({ first }) => first)),
          lastBilledAt: Math.max(...all.map(({ last }) => last)),
          lastLiveBilledAt: live.length === 0 ? null : Math.max(...live),
        },
      ];
    }),
  );
}

interface KindConnection {
  readonly kind: UsageProviderKind;
  readonly createdAt: number;
  readonly isRemoved: boolean;
}

async function readConnections(db: Reader, orgId: OrgId): Promise<readonly KindConnection[]> {
  const rows = await db
    .selectFrom("usage_providers")
    .select(["kind", "created_at", "removed_at"])
    .where("org_id", "=", orgId)
    .execute();
  return rows.map(({ kind, created_at, removed_at }) => ({
    kind: kind as UsageProviderKind,
    createdAt: created_at,
    isRemoved: removed_at !== null,
  }));
}

/** A connection is made for the service that has the provider's own name: an OpenAI one for the OpenAI API. */
function connectionOf(
  { connector, provider }: CatalogueService,
  connections: readonly KindConnection[],
): Pick<ServiceFacts, "connectedAt" | "wasConnected"> {
  const isOwn = connector !== null && providerSlugs[connector][0] === provider;
  const own = isOwn ? connections.filter(({ kind }) => kind === connector) : [];
  const now = own.filter(({ isRemoved }) => !isRemoved).map(({ createdAt }) => createdAt);
  return { connectedAt: now.length === 0 ? null : Math.min(...now), wasConnected: own.length > now.length };
}

function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}
