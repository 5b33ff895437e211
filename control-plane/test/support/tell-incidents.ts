import { randomUUID } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import { dateOf, dayMs, hourOf, periodOf } from "@flowstate/shared/time";
import { tokens } from "@flowstate/shared/tokens";
import type { CallEvent } from "@flowstate/shared/wire/call";
import type { ContentEvent } from "@flowstate/shared/wire/content";
import type { FormatEvent } from "@flowstate/shared/wire/format";
import type { RefusalReason } from "@flowstate/shared/wire/meter";
import type { Store, Writer } from "../../src/store/open.ts";
import { ingestSessions } from "../../src/usage/ingest.ts";
import type { MadeCall, MadeContent, MadeForecast, MadeFormat, MadeOrganisation } from "./incidents.ts";
import { callEvent } from "./call-event.ts";

/** Stores what was made: calls as devices report them, everything else as proxies, providers and the nights leave it. */
export async function tellOrganisation(
  store: Store,
  orgId: OrgId,
  made: MadeOrganisation,
  now: number,
): Promise<void> {
  await tellCalls(store, orgId, made.calls, now);
  await tellContents(store, orgId, made.contents, now);
  await tellFormats(store, orgId, made.formats, now);
  await store.transact(async (db) => {
    await tellDirectory(db, orgId, made, now);
    await tellProxies(db, orgId, made, now);
    await tellConnections(db, orgId, made, now);
    await tellForecasts(db, orgId, made.forecasts, now);
    for (const [source, received] of made.received) {
      await db
        .updateTable("devices")
        .set({ received })
        .where("org_id", "=", orgId)
        .where("source", "=", source)
        .execute();
    }
  });
}

async function tellCalls(store: Store, orgId: OrgId, calls: readonly MadeCall[], now: number): Promise<void> {
  for (const own of Map.groupBy(calls, ({ device, subject }) => `${device} ${subject}`).values()) {
    const [first] = own;
    if (first === undefined) continue;
    const seqs = nextSeqs.get(first.device) ?? 0;
    nextSeqs.set(first.device, seqs + own.length);
    const batch = {
      source: first.device,
      batch: randomUUID(),
      events: own.map((call, index) => eventOf(call, seqs + index)),
    };
    await ingestSessions(store, { orgId, subject: first.subject as Subject, batch, now });
  }
}

async function tellContents(
  store: Store,
  orgId: OrgId,
  contents: readonly MadeContent[],
  now: number,
): Promise<void> {
  for (const { at, subject, device, kind, action, found } of contents) {
    const seq = nextSeqs.get(device) ?? 0;
    nextSeqs.set(device, seq + 1);
    const event: ContentEvent = {
      seq,
      kind,
      occurredAt: new Date(at).toISOString(),
      sessionId: null,
      provider: "anthropic",
      host: "api.anthropic.com",
      tool: "claude-code",
      model: null,
      rule: "Content",
      action,
      enforced: true,
      requests: 1,
      found,
    };
    const batch = { source: device, batch: randomUUID(), events: [event] };
    await ingestSessions(store, { orgId, subject: subject as Subject, batch, now });
  }
}

async function tellFormats(
  store: Store,
  orgId: OrgId,
  formats: readonly MadeFormat[],
  now: number,
): Promise<void> {
  for (const { at, subject, device, tool, version, seen, blank } of formats) {
    const seq = nextSeqs.get(device) ?? 0;
    nextSeqs.set(device, seq + 1);
    const instant = new Date(at).toISOString();
    const event: FormatEvent = {
      seq,
      kind: "format",
      capture: "session-log",
      tool,
      toolVersion: version,
      host: null,
      agentVersion: "1.0.0",
      seen,
      blank,
      firstAt: instant,
      occurredAt: instant,
    };
    const batch = { source: device, batch: randomUUID(), events: [event] };
    await ingestSessions(store, { orgId, subject: subject as Subject, batch, now });
  }
}

/** A device numbers on, whoever it reports for. */
const nextSeqs = new Map<string, number>();

function eventOf(call: MadeCall, seq: number): CallEvent {
  return callEvent({
    seq,
    sessionId: call.session,
    occurredAt: new Date(call.at).toISOString(),
    provider: call.provider,
    tool: call.tool,
    model: call.model,
    tokens: tokens({ input: call.input, output: call.output, cacheRead: call.cacheRead }),
    costUsd: call.costUsd.toFixed(9),
    status: call.status,
    durationMs: call.durationMs,
    project: call.project,
    billing: call.billing,
  });
}

async function tellDirectory(
  db: Writer,
  orgId: OrgId,
  { people, accounts, markers }: MadeOrganisation,
  now: number,
): Promise<void> {
  for (const { email, leftAt, alias } of people) {
    await db
      .insertInto("employees")
      .values({
        org_id: orgId,
        employee_id: email,
        email,
        name: null,
        title: null,
        primary_team_id: null,
        manager_id: null,
        external_id: null,
        active: leftAt === null ? 1n : 0n,
        version: 1n,
        created_at: 0,
        updated_at: leftAt ?? 0,
      })
      .execute();
    if (alias === null) continue;
    await db
      .insertInto("identities")
      .values({
        org_id: orgId,
        provider: "",
        kind: "email",
        value: alias,
        employee_id: email,
        email: null,
        label: null,
        source: "admin",
        updated_at: now,
      })
      .execute();
  }
  for (const marker of markers) {
    await db
      .insertInto("projects")
      .values({
        org_id: orgId,
        project_id: marker,
        name: marker,
        team_id: null,
        cost_centre: null,
        marker,
        archived_at: null,
        version: 1n,
        created_at: 0,
        updated_at: 0,
      })
      .execute();
  }
  for (const { subject, environment, abuseDetection } of accounts) {
    await db
      .insertInto("service_accounts")
      .values({
        org_id: orgId,
        account_id: subject,
        subject,
        name: subject,
        environment,
        description: null,
        intended_scope: null,
        abuse_detection: abuseDetection ? 1n : 0n,
        created_at: 0,
        created_by: "test",
        updated_at: 0,
        deleted_at: null,
      })
      .execute();
  }
}

async function tellProxies(
  db: Writer,
  orgId: OrgId,
  { tunnels, refusals }: MadeOrganisation,
  now: number,
): Promise<void> {
  for (const row of tunnels) {
    await db
      .insertInto("meter_hours")
      .values({
        org_id: orgId,
        hour: hourOf(row.at),
        subject: row.subject,
        host: row.host,
        tunnels: BigInt(row.tunnels),
        failed_tunnels: 0n,
        requests: 0n,
        estimated_requests: 0n,
        bytes_up: 0n,
        bytes_down: 0n,
        first_seen_at: row.at,
        last_seen_at: row.at,
        sni_equal: BigInt(row.tunnels - row.mismatches),
        sni_same_provider: 0n,
        sni_mismatch: BigInt(row.mismatches),
        sni_none: 0n,
        sni_ech: 0n,
        sni_not_tls: 0n,
        would_deny: 0n,
        estimate_method: null,
      })
      .execute();
  }
  for (const [reason, count] of Object.entries(refusals)) {
    await db
      .insertInto("refused_credentials")
      .values({
        org_id: orgId,
        period: periodOf(now),
        reason: reason as RefusalReason,
        refusals: BigInt(count),
      })
      .execute();
  }
}

async function tellConnections(
  db: Writer,
  orgId: OrgId,
  { connected }: MadeOrganisation,
  now: number,
): Promise<void> {
  for (const kind of connected) {
    await db
      .insertInto("usage_providers")
      .values({
        org_id: orgId,
        provider_id: kind,
        kind,
        name: kind,
        state: "ACTIVE",
        sealed_credentials: null,
        credential_hash: null,
        account: null,
        last_sync_at: now,
        last_error: null,
        covered_from_day: null,
        covered_until_day: null,
        created_at: now - 60 * dayMs,
        removed_at: null,
      })
      .execute();
  }
}

async function tellForecasts(
  db: Writer,
  orgId: OrgId,
  forecasts: readonly MadeForecast[],
  now: number,
): Promise<void> {
  const period = periodOf(now);
  for (const [asOf, which] of [
    [dateOf(Date.parse(`${period}-01`) - dayMs), "before"],
    [dateOf(now), "now"],
  ] as const) {
    const run = { made_at: now, people: 1n, covered_80_ppm: null, covered_95_ppm: null, own_bands: 0n };
    await db
      .insertInto("forecast_runs")
      .values({ org_id: orgId, as_of: asOf, ...run })
      .execute();
    for (const { kind, id, before, now: current } of forecasts) {
      const [expected, low, high] =
        which === "before"
          ? [before.expected, 0, before.high95]
          : [current.expected, current.low95, current.expected * 1.2];
      const nano = (usd: number): string => String(BigInt(Math.round(usd * 100)) * 10_000_000n);
      const point = {
        period,
        expected: nano(expected),
        low80: nano(low),
        high80: nano(high),
        low95: nano(low),
        high95: nano(high),
      };
      await db
        .insertInto("forecasts")
        .values({
          org_id: orgId,
          as_of: asOf,
          kind,
          node_id: id,
          rationale: "",
          confidence: "LOW",
          method: "last value",
          headcount: 1n,
          fte_ppm: 1_000_000n,
          allocated_until: null,
          actual_30d_nano_usd: 0n,
          backtest_mase_ppm: null,
          actuals: "[]",
          points: JSON.stringify([point]),
        })
        .execute();
    }
  }
}
