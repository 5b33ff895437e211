import type { OrgId } from "@flowstate/shared/ids";
import { formatUsd } from "@flowstate/shared/money";
import { addDays, dateOf, dayMs, hourOf, type UsageDate } from "@flowstate/shared/time";
import type { CallEvent } from "@flowstate/shared/wire/call";
import type { MeterRow } from "@flowstate/shared/wire/meter";
import { ingestMeter } from "../../ingest/meter.ts";
import { ingestSessions } from "../../usage/ingest.ts";
import { daysOf } from "../days.ts";
import type { Store, Writer } from "../../store/open.ts";
import { demoCalls, type DemoCall } from "./activity.ts";
import { demoCompany, demoKeyId, type DemoCompany } from "./company.ts";
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
  for (const person of company.people) {
    const events = observed.flatMap(({ day, calls }) => {
      const own = calls.filter((call) => call.person === person);
      const conversations = isJudged(day, now) ? demoConversations(company, own) : [];
      return [
        ...own.map((call, index) => eventOf(call, firstSeq(day) + index)),
        ...conversations.map((told, index) => ({ ...told, seq: firstSeq(day) + firstConversation + index })),
      ];
    });
    const batch = {
      source: uuidFor("demo device", seed, person.id),
      batch: uuidFor("demo calls", now),
      events,
    };
    await ingestSessions(store, { orgId, subject: person.email, batch, now });
  }
  const rows = observed.flatMap(({ day, calls }) => meterRows(orgId, day, calls));
  const batch = { source: uuidFor("demo proxy", seed), batch: uuidFor("demo meter", now), rows };
  await ingestMeter(store, { orgId, keyId: demoKeyId, now, batch });
  return { calls: observed.reduce((sum, { calls }) => sum + calls.length, 0) };
}

/** A day's conversations are numbered behind its calls. */
const firstConversation = 5000;

/** A day's reports take numbers of their own, so that one told twice counts once and a later day never shifts one. */
function firstSeq(day: UsageDate): number {
  return Math.round(Date.parse(`${day}T00:00:00Z`) / dayMs) * 10_000;
}

/** The call as the person's agent would report it. */
function eventOf({ callId, sessionId, person, tool, model, at, ...call }: DemoCall, seq: number): CallEvent {
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
    status: 200,
    durationMs: call.durationMs,
    project: person.project.marker,
    billing: "metered",
    serviceTier: null,
    parentCallId: null,
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
      seq: firstSeq(day) + index,
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
