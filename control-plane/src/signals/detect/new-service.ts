import { sql } from "kysely";
import { dateOf, dayMs } from "@flowstate/shared/time";
import { serviceOfHost, servicesOfCall } from "../../catalogue/recognise.ts";
import { catalogueServices } from "../../catalogue/services.data.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";

/** What was not used for so long is new again. */
const forgottenDays = 90;
/** In an organisation's first days everything is new, and nothing is news. */
const learningDays = 14;

export const newService: Detector = {
  types: ["new_service"],
  cadence: "soon",
  async find(scope) {
    const began = await firstSeen(scope);
    if (began === null) return [];
    const sightings = await overDays(scope, (day) => loadSightings(scope, day));
    const known = await loadSignalled(scope);
    const services = [...Map.groupBy(sightings, ({ service }) => service)].filter(([id]) => !known.has(id));
    const candidates: [string, Sighting[]][] = [];
    for (const [service, all] of services) {
      all.sort((a, b) => a.at - b.at);
      if (!(await wasUsedAlike(scope, all))) candidates.push([service, all]);
    }
    if (candidates.length === 0) return [];
    const before = await loadServicesBefore(scope);
    return candidates.flatMap(([service, all]) => {
      const [first] = all;
      const isNew = first !== undefined && first.at >= began + learningDays * dayMs && !before.has(service);
      return isNew ? [findingOf(scope, service, all, first)] : [];
    });
  },
};

interface Sighting {
  readonly service: string;
  readonly at: number;
  readonly subject: string;
  /** By what it was recognised. */
  readonly by:
    | { readonly kind: "call"; readonly provider: string; readonly tool: string }
    | { readonly kind: "host"; readonly host: string };
}

function findingOf({ personOf }: Scope, service: string, all: readonly Sighting[], first: Sighting): Finding {
  const people = [...new Set(all.map(({ subject }) => personOf(subject)))].sort();
  const hosts = [...new Set(all.flatMap(({ by }) => (by.kind === "host" ? by.host : [])))].sort();
  const isListed = listed.has(service);
  return {
    type: "new_service",
    severity: isListed ? "INFO" : "WARN",
    subject: personOf(first.subject),
    sessionId: null,
    service,
    about: "",
    occurrence: dateOf(first.at),
    at: first.at,
    evidence: {
      service,
      inCatalogue: isListed,
      firstSeenAt: new Date(first.at).toISOString(),
      people: people.length,
      firstPeople: people.slice(0, 10),
      hosts: hosts.slice(0, 10),
    },
  };
}

const listed = new Set(catalogueServices.map(({ id }) => id));

/** A day's services by the first hour and person they were seen with. */
async function loadSightings({ db, orgId }: Scope, { from, to }: Day): Promise<readonly Sighting[]> {
  const calls = await db
    .selectFrom("usage_hours")
    .select(["provider", "tool", "subject", (row) => row.fn.min("hour").as("first_at")])
    .where("org_id", "=", orgId)
    .where("hour", ">=", from)
    .where("hour", "<", to)
    .groupBy(["provider", "tool", "subject"])
    .execute();
  const hosts = await db
    .selectFrom("meter_hours")
    .select(["host", "subject", (row) => row.fn.min("first_seen_at").as("first_at")])
    .where("org_id", "=", orgId)
    .where("hour", ">=", from)
    .where("hour", "<", to)
    .where(sql<bigint>`tunnels + requests`, ">", 0n)
    .groupBy(["host", "subject"])
    .execute();
  return [
    ...calls.flatMap(({ provider, tool, subject, first_at }) =>
      servicesOfCall(provider, tool).map((service) => ({
        service,
        at: first_at,
        subject,
        by: { kind: "call" as const, provider, tool },
      })),
    ),
    ...hosts.flatMap(({ host, subject, first_at }) => {
      const service = serviceOfHost(host);
      return service === null
        ? []
        : [{ service, at: first_at, subject, by: { kind: "host" as const, host } }];
    }),
  ];
}

/** When the organisation was first seen at all. */
async function firstSeen({ db, orgId }: Scope): Promise<number | null> {
  const firsts = await Promise.all(
    (["usage_hours", "meter_hours"] as const).map((table) =>
      db
        .selectFrom(table)
        .select("hour")
        .where("org_id", "=", orgId)
        .orderBy("hour")
        .limit(1)
        .executeTakeFirst(),
    ),
  );
  const hours = firsts.flatMap((row) => row?.hour ?? []);
  return hours.length === 0 ? null : Math.min(...hours);
}

/** Services that had this signal within the time: it says "new" once. */
async function loadSignalled({ db, orgId, from }: Scope): Promise<ReadonlySet<string | null>> {
  const rows = await db
    .selectFrom("signals")
    .select("service")
    .where("org_id", "=", orgId)
    .where("type", "=", "new_service")
    .where("detected_at", ">=", from - forgottenDays * dayMs)
    .execute();
  return new Set(rows.map(({ service }) => service));
}

/** Whether it was used before in the way it was used first. One row answers that for all that is in steady use. */
async function wasUsedAlike({ db, orgId, from }: Scope, [first]: readonly Sighting[]): Promise<boolean> {
  if (first === undefined) return false;
  const { by } = first;
  const row =
    by.kind === "call"
      ? await db
          .selectFrom("usage_hours")
          .select("hour")
          .where("org_id", "=", orgId)
          .where("hour", ">=", from - forgottenDays * dayMs)
          .where("hour", "<", from)
          .where("provider", "=", by.provider)
          .where("tool", "=", by.tool)
          .orderBy("hour", "desc")
          .limit(1)
          .executeTakeFirst()
      : await db
          .selectFrom("meter_hours")
          .select("hour")
          .where("org_id", "=", orgId)
          .where("hour", ">=", from - forgottenDays * dayMs)
          .where("hour", "<", from)
          .where("host", "=", by.host)
          .where(sql<bigint>`tunnels + requests`, ">", 0n)
          .orderBy("hour", "desc")
          .limit(1)
          .executeTakeFirst();
  return row !== undefined;
}

/** Every service of the time before, however it was used. */
async function loadServicesBefore({ db, orgId, from }: Scope): Promise<ReadonlySet<string>> {
  const since = from - forgottenDays * dayMs;
  const pairs = await db
    .selectFrom("usage_hours")
    .select(["provider", "tool"])
    .distinct()
    .where("org_id", "=", orgId)
    .where("hour", ">=", since)
    .where("hour", "<", from)
    .execute();
  const hosts = await db
    .selectFrom("meter_hours")
    .select("host")
    .distinct()
    .where("org_id", "=", orgId)
    .where("hour", ">=", since)
    .where("hour", "<", from)
    .where(sql<bigint>`tunnels + requests`, ">", 0n)
    .execute();
  return new Set([
    ...pairs.flatMap(({ provider, tool }) => servicesOfCall(provider, tool)),
    ...hosts.flatMap(({ host }) => serviceOfHost(host) ?? []),
  ]);
}
