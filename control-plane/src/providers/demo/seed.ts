import type { OrgId } from "@flowstate/shared/ids";
import { formatUsd } from "@flowstate/shared/money";
import { addDays, dateOf, dayMs, hourOf, type UsageDate } from "@flowstate/shared/time";
import type { Subject } from "@flowstate/shared/subject";
import type { CallEvent } from "@flowstate/shared/wire/call";
import type { ContentEvent } from "@flowstate/shared/wire/content";
import type { MeterRow } from "@flowstate/shared/wire/meter";
import { ingestMeter } from "../../ingest/meter.ts";
import { lookBackNext } from "../../signals/run.ts";
import { ingestSessions } from "../../usage/ingest.ts";
import { daysOf } from "../days.ts";
import type { Store, Writer } from "../../store/open.ts";
import { demoCalls, type DemoCall } from "./activity.ts";
import { demoCompany, demoKeyId, type DemoCompany } from "./company.ts";
import { demoIncidents, type DemoContent } from "./incidents.ts";
import { demoConversations, isJudged } from "./conversations.ts";
import { uuidFor } from "./random.ts";

export interface DemoSeed {
  readonly orgId: OrgId;
  readonly seed: number;
  /** Whole UTC days before today. */
  readonly days: number;
  readonly now: number;
}

/**
 * Writes what devices, proxies and a directory would have reported of the demo company: people, calls, what their
 * conversations show, and meters. All of it is recognisable by `demo` in its identifiers. Running it again adds the days that are new and nothing else.
 */
export async function seedDemo(
  store: Store,
  { orgId, seed, days, now }: DemoSeed,
): Promise<{ readonly calls: number }> {
  const company = demoCompany(seed);
  const today = dateOf(now);
  const from = addDays(today, -days);
  await store.transact((db) => storeDirectory(db, company, { orgId, now, from }));
  const observed = daysOf({ from, until: addDays(today, -1) }).map((day) => ({
    day,
    calls: demoCalls(company, day).filter((call) => call.observed),
  }));
  await tellDevices(store, { orgId, seed, now, what: "calls" }, company.people, (person) =>
    observed.flatMap(({ day, calls }) => {
      const own = calls.filter((call) => call.person === person);
      const conversations = isJudged(day, now) ? demoConversations(company, own) : [];
      return [
        ...own.map((call, index) => eventOf(call, seqOf(day, "call", index))),
        ...conversations.map((told, index) => ({ ...told, seq: seqOf(day, "conversation", index) })),
      ];
    }),
  );
  const rows = observed.flatMap(({ day, calls }) => meterRows(orgId, day, calls));
  const batch = { source: uuidFor("demo proxy", seed), batch: uuidFor("demo meter", now), rows };
  await ingestMeter(store, { orgId, keyId: demoKeyId, now, batch });
  return { calls: observed.reduce((sum, { calls }) => sum + calls.length, 0) };
}

/** Writes what devices would have told of the days on which something went wrong: costly loops, keys in prompts. */
export async function seedIncidents(
  store: Store,
  { orgId, seed, days, now }: DemoSeed,
): Promise<{ readonly calls: number }> {
  const company = demoCompany(seed);
  const today = dateOf(now);
  const gone = daysOf({ from: addDays(today, -days), until: addDays(today, -1) }).map((day) => ({
    day,
    ...demoIncidents(company, day),
  }));
  await tellDevices(store, { orgId, seed, now, what: "incidents" }, company.people, (person) =>
    gone.flatMap(({ day, calls, contents }) => [
      ...calls
        .filter((call) => call.person === person)
        .map((call, index) => eventOf(call, seqOf(day, "incident", index))),
      ...contents
        .filter((content) => content.person === person)
        .map((content, index) => contentEventOf(content, seqOf(day, "content", index))),
    ]),
  );
  await store.transact((db) => lookBackNext(db, orgId));
  return { calls: gone.reduce((sum, { calls }) => sum + calls.length, 0) };
}

export interface DemoTelling {
  readonly orgId: OrgId;
  readonly seed: number;
  readonly now: number;
  readonly what: string;
}

/** Delivers each person's events as from a device of theirs. */
export async function tellDevices<Person extends { readonly id: string; readonly email: Subject }>(
  store: Store,
  { orgId, seed, now, what }: DemoTelling,
  people: readonly Person[],
  eventsOf: (person: Person) => readonly { readonly seq: number }[],
): Promise<void> {
  for (const person of people) {
    const batch = {
      source: uuidFor("demo device", seed, person.id),
      batch: uuidFor(`demo ${what}`, now, person.id),
      events: [...eventsOf(person)],
    };
    await ingestSessions(store, { orgId, subject: person.email, batch, now });
  }
}

/** Kinds of a device's reports, each numbered in a range of its own. */
const numbered = { call: 0, conversation: 4000, incident: 5000, content: 7000, hits: 8000 } as const;

/** A day's reports take numbers of their own, so that one told twice counts once and a later day never shifts one. */
export function seqOf(day: UsageDate, kind: keyof typeof numbered, index: number): number {
  return Math.round(Date.parse(`${day}T00:00:00Z`) / dayMs) * 10_000 + numbered[kind] + index;
}

type DemoReport = Omit<DemoCall, "person" | "observed">;

/** The call as an agent would report it. */
export function eventOf({ callId, sessionId, tool, model, at, ...call }: DemoReport, seq: number): CallEvent {
  return {
    seq,
    callId,
    aliases: [],
    revision: 1,
    sessionId,
    occurredAt: new Date(at).toISOString(),
    provider: tool.provider,
    host: tool.host,
    tool: tool.tool,
    toolVersion: "demo",
    model,
    tokens: call.tokens,
    outputTrust: "final",
    costUsd: call.costNanoUsd === null ? null : formatUsd(call.costNanoUsd),
    estimated: false,
    estimateMethod: null,
    capture: "session-log",
    status: call.status,
    durationMs: call.durationMs,
    project: call.project,
    billing: "metered",
    serviceTier: null,
    parentCallId: null,
  };
}

function contentEventOf(
  { at, tool, model, kind, rule, action, found }: DemoContent,
  seq: number,
): ContentEvent {
  return {
    seq,
    kind,
    occurredAt: new Date(at).toISOString(),
    sessionId: null,
    provider: tool.provider,
    host: tool.host,
    tool: tool.tool,
    model,
    rule,
    action,
    enforced: false,
    requests: 1,
    found,
  };
}

async function storeDirectory(
  db: Writer,
  { teams, projects, people }: DemoCompany,
  { orgId, now, from }: { readonly orgId: OrgId; readonly now: number; readonly from: UsageDate },
): Promise<void> {
  const shared = { org_id: orgId, version: 1n, created_at: now, updated_at: now };
  const kept = { ...shared, external_id: "demo" };
  await db
    .insertInto("teams")
    .values(
      teams.map(({ id, name, parentId, costCentre }) => ({
        ...kept,
        team_id: id,
        name,
        parent_id: parentId,
        cost_centre: costCentre,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
  await db
    .insertInto("employees")
    .values(
      people.map(({ id, email, name, title, teamId, managerId }) => ({
        ...kept,
        employee_id: id,
        email,
        name,
        title,
        primary_team_id: teamId,
        manager_id: managerId,
        active: 1n,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
  await db
    .insertInto("projects")
    .values(
      projects.map(({ id, name, teamId, marker }) => ({
        ...shared,
        project_id: id,
        name,
        team_id: teamId,
        cost_centre: null,
        marker,
        archived_at: null,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
  await db
    .insertInto("allocations")
    .values(
      people.map(({ id, project, teamId }) => ({
        ...shared,
        allocation_id: `demo-allocation-${id}`,
        employee_id: id,
        project_id: project.id,
        team_id: teamId,
        fte_ppm: 1_000_000n,
        from_day: from,
        until_day: null,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
}

function meterRows(orgId: OrgId, day: UsageDate, calls: readonly DemoCall[]): readonly MeterRow[] {
  const groups = Map.groupBy(calls, ({ person, tool, at }) =>
    [person.email, tool.host, hourOf(at)].join("|"),
  );
  return [...groups.values()].map((own, index) => {
    const times = own.map(({ at }) => at);
    const [{ person, tool, at }] = own as [DemoCall, ...DemoCall[]];
    const output = own.reduce((sum, { tokens }) => sum + (tokens.output ?? 0), 0);
    const input = own.reduce((sum, { tokens }) => sum + (tokens.input ?? 0) + (tokens.cacheRead ?? 0), 0);
    return {
      seq: seqOf(day, "call", index),
      orgId,
      subject: person.email,
      host: tool.host,
      hour: hourOf(at),
      tunnels: Math.max(1, Math.floor(own.length / 3)),
      failedTunnels: 0,
      requests: 0,
      estimatedRequests: own.length,
      estimateMethod: "demo",
      bytesUp: input * 4,
      bytesDown: output * 60,
      firstSeenAt: Math.min(...times),
      lastSeenAt: Math.max(...times),
      sni: { equal: 1 },
      wouldDeny: 0,
    };
  });
}
