import type { OrgId } from "@flowstate/shared/ids";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import type { Subject } from "@flowstate/shared/subject";
import { dayMs, periodOf, type Period } from "@flowstate/shared/time";
import { callEvent, type CallEvent, type IngestAnswer, type SessionBatch } from "@flowstate/shared/wire/call";
import { contentEvent, type ContentEvent } from "@flowstate/shared/wire/content";
import { fluencyEvent, type FluencyEvent } from "@flowstate/shared/wire/fluency";
import { formatEvent, type FormatEvent } from "@flowstate/shared/wire/format";
import { agentEvent, type AgentEvent } from "@flowstate/shared/wire/release";
import { policyHits, type PolicyHits } from "@flowstate/shared/wire/policy-hits";
import { readMessage } from "../ingest/message.ts";
import { addSeqs, containsSeq, printRanges, readRanges, type Ranges } from "../ingest/ranges.ts";
import { takeFluency } from "../insights/fluency/take.ts";
import { takePolicyHits } from "../policy/hits.ts";
import { takeAgentEvents } from "../releases/agents.ts";
import { takeContent } from "../signals/take-content.ts";
import { applyMarks } from "../self-service/marks.ts";
import type { Store, Writer } from "../store/open.ts";
import { recordUsageChanged, recordUsageSeen } from "./changed.ts";
import { joinReports, type Joined } from "./join.ts";
import { takeFormats } from "./format-counts.ts";
import { findKnownCalls } from "./known-calls.ts";
import type { Report } from "./resolve.ts";
import { canonicalReport } from "./rows.ts";
import { storeCalls } from "./store-calls.ts";

export interface SessionReport {
  readonly orgId: OrgId;
  /** Whom the credential speaks for: every call of the batch is theirs. */
  readonly subject: Subject;
  readonly batch: SessionBatch;
  readonly now: number;
}

export interface SessionsTaken {
  readonly answer: IngestAnswer;
  /** Months whose calls have changed. */
  readonly periods: readonly Period[];
}

interface Numbered {
  readonly seq: number;
  readonly report: Report;
}

/** A call, what a conversation shows, rules that calls broke, what content rules found, how a format is understood, or which agent runs. */
type Told =
  | Numbered
  | { readonly seq: number; readonly fluency: FluencyEvent }
  | { readonly seq: number; readonly hits: PolicyHits }
  | { readonly seq: number; readonly content: ContentEvent }
  | { readonly seq: number; readonly format: FormatEvent }
  | { readonly seq: number; readonly agent: AgentEvent };

const mostRanges = 2000;

/**
 * Takes a device's batch of calls and conversations, exactly once however often and in whatever order it comes. A call
 * told several times, by several captures or devices, stays one call; what contradicts it is kept aside and said.
 */
export async function ingestSessions(store: Store, given: SessionReport): Promise<SessionsTaken> {
  const read = given.batch.events.map((event) => readEvent(event, given));
  const rejected = read.flatMap((event) => (event.ok ? [] : [{ seq: event.seq, reason: event.detail }]));
  const events = read.flatMap((event) => (event.ok ? [event.value] : []));
  return store.transact(async (db) => {
    const received = await lockDevice(db, given);
    const fresh = dropReceived(received, events);
    const came = [...fresh.map(({ seq }) => seq), ...rejected.flatMap(({ seq }) => seq ?? [])];
    const all = addSeqs(received, came);
    if (all.length > mostRanges) {
      const reason = "the device's sequence numbers have too many gaps";
      const refused = events.map(({ seq }) => ({ seq, reason }));
      return { answer: { accepted: 0, duplicates: 0, rejected: [...rejected, ...refused] }, periods: [] };
    }
    const calls = fresh.filter((told) => "report" in told);
    const joined = await join(db, store, given, calls);
    const touched = await applyMarks(db, store.engine, given.orgId, joined.touched);
    const changed = await storeCalls(db, store.engine, given.orgId, touched, given.now);
    const quarantined = await quarantine(db, given, calls, joined);
    const conversations = fresh.flatMap((told) => ("fluency" in told ? [told.fluency] : []));
    const untaken = await takeFluency(db, store.engine, given, conversations);
    await takePolicyHits(
      db,
      given,
      fresh.flatMap((told) => ("hits" in told ? [told.hits] : [])),
    );
    const found = fresh.flatMap((told) => ("content" in told ? [told.content] : []));
    const device = { ...given, source: given.batch.source };
    await takeContent(db, store.engine, device, found);
    const formats = fresh.flatMap((told) => ("format" in told ? [told.format] : []));
    await takeFormats(db, device, formats);
    const programs = fresh.flatMap((told) => ("agent" in told ? [told.agent] : []));
    await takeAgentEvents(db, device, programs);
    await db
      .updateTable("devices")
      .set({
        received: printRanges(all),
        subject: given.subject,
        last_reported_at: given.now,
        ...skewOf(given),
      })
      .where("org_id", "=", given.orgId)
      .where("source", "=", given.batch.source)
      .execute();
    const periods = [...new Set(changed.map((call) => periodOf(call.occurred_at)))].sort();
    await recordUsageChanged(db, given.orgId, periods, given.now);
    if (found.length + formats.length > 0) await recordUsageSeen(db, given.orgId, given.now);
    const refused = [...rejected, ...quarantined, ...untaken];
    const accepted = fresh.length - quarantined.length - untaken.length;
    const duplicates = events.length - fresh.length;
    return { answer: { accepted, duplicates, rejected: refused }, periods };
  });
}

async function join(
  db: Writer,
  { engine }: Store,
  { orgId }: SessionReport,
  fresh: readonly Numbered[],
): Promise<Joined> {
  const reports = fresh.map(({ report }) => report);
  const names = [...new Set(reports.flatMap(({ callId, aliases }) => [callId, ...aliases]))];
  const foreign = await foreignSessions(db, orgId, reports);
  const known = await findKnownCalls(db, engine, orgId, names);
  const joined = joinReports(
    known,
    reports.filter(({ sessionId }) => !foreign.has(sessionId)),
  );
  const refused = reports
    .filter(({ sessionId }) => foreign.has(sessionId))
    .map((report) => ({ report, reason: "this session belongs to another person" }));
  return { touched: joined.touched, contradictions: [...joined.contradictions, ...refused] };
}

/** Sessions of these reports that another person has already reported. */
async function foreignSessions(
  db: Writer,
  orgId: OrgId,
  reports: readonly Report[],
): Promise<ReadonlySet<string>> {
  const [first] = reports;
  if (first === undefined) return new Set();
  const ids = [...new Set(reports.map(({ sessionId }) => sessionId))];
  const rows = await db
    .selectFrom("sessions")
    .select("session_id")
    .where("org_id", "=", orgId)
    .where("session_id", "in", ids)
    .where("subject", "!=", first.subject)
    .execute();
  return new Set(rows.map(({ session_id }) => session_id));
}

async function quarantine(
  db: Writer,
  { orgId, subject, batch, now }: SessionReport,
  fresh: readonly Numbered[],
  { contradictions }: Joined,
): Promise<readonly { seq: number; reason: string }[]> {
  if (contradictions.length === 0) return [];
  const reasons = new Map(contradictions.map(({ report, reason }) => [report, reason]));
  const found = fresh.flatMap(({ seq, report }) => {
    const reason = reasons.get(report);
    return reason === undefined ? [] : [{ seq, report, reason }];
  });
  await db
    .insertInto("quarantined_calls")
    .values(
      found.map(({ seq, report, reason }) => ({
        org_id: orgId,
        source: batch.source,
        seq: BigInt(seq),
        subject,
        reason,
        report: JSON.stringify(report),
        received_at: now,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
  return found.map(({ seq, reason }) => ({ seq, reason: `kept aside: ${reason}` }));
}

type ReadEvent = Parsed<Told, "not_an_event"> & { readonly seq: number | null };

/** An event of the right shape at a time that can be. Never throws. */
function readEvent(given: unknown, { subject, batch, now }: SessionReport): ReadEvent {
  const parsed = readMessage(schemaOf(given), given);
  if (!parsed.ok) return { ...refuse("not_an_event", parsed.detail), seq: seqOf(given) };
  const event: CallEvent | FluencyEvent | PolicyHits | ContentEvent | FormatEvent | AgentEvent = parsed.value;
  const { seq } = event;
  if (Date.parse(event.occurredAt) > now + dayMs) {
    const text = "occurredAt: more than a day in the future; check the device's clock";
    return { ...refuse("not_an_event", text), seq };
  }
  if ("kind" in event && event.kind === "policy") return { ...ok({ seq, hits: event }), seq };
  if ("kind" in event && event.kind === "format") return { ...ok({ seq, format: event }), seq };
  if ("kind" in event && event.kind === "agent") return { ...ok({ seq, agent: event }), seq };
  if ("found" in event) return { ...ok({ seq, content: event }), seq };
  const names = "kind" in event ? [] : [event.callId, ...event.aliases];
  if (controlCharacter.test([...names, event.sessionId].join(""))) {
    return { ...refuse("not_an_event", "callId, aliases, sessionId: hold a control character"), seq };
  }
  return "kind" in event
    ? { ...ok({ seq, fluency: event }), seq }
    : { ...ok({ seq, report: canonicalReport(event, batch.source, subject) }), seq };
}

/** By its kind; a call has none. */
function schemaOf(given: unknown) {
  const kind = typeof given === "object" && given !== null && "kind" in given ? given.kind : null;
  if (kind === "fluency") return fluencyEvent;
  if (kind === "content" || kind === "answer") return contentEvent;
  if (kind === "format") return formatEvent;
  if (kind === "agent") return agentEvent;
  return kind === "policy" ? policyHits : callEvent;
}

const controlCharacter = /\p{Cc}/u;

function seqOf(given: unknown): number | null {
  const seq = typeof given === "object" && given !== null && "seq" in given ? given.seq : null;
  return typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 0 ? seq : null;
}

function dropReceived(received: Ranges, events: readonly Told[]): readonly Told[] {
  const seen = new Set<number>();
  return events.filter(({ seq }) => {
    if (seen.has(seq) || containsSeq(received, seq)) return false;
    seen.add(seq);
    return true;
  });
}

/** How far the device's clock is ahead of ours; the way of the message is in it. */
function skewOf({ batch, now }: SessionReport): { skew_ms?: bigint } {
  return batch.sentAt === undefined ? {} : { skew_ms: BigInt(Date.parse(batch.sentAt) - now) };
}

/** The update that changes nothing holds the row, so that two deliveries of one device follow each other. */
async function lockDevice(db: Writer, { orgId, subject, batch, now }: SessionReport): Promise<Ranges> {
  const row = await db
    .insertInto("devices")
    .values({
      org_id: orgId,
      source: batch.source,
      subject,
      received: "",
      skew_ms: null,
      first_seen_at: now,
      last_reported_at: now,
    })
    .onConflict((on) => on.columns(["org_id", "source"]).doUpdateSet({ last_reported_at: now }))
    .returning("received")
    .executeTakeFirstOrThrow();
  return readRanges(row.received);
}
