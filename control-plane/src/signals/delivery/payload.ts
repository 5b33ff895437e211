import type { Signal } from "../queries.ts";
import { signalTypes, type SignalCategory, type SignalResolution, type SignalSeverity } from "../types.ts";

/**
 * JSON: our own envelope in the shape of Standard Webhooks; SLACK: an incoming webhook's message; OCSF: a Detection
 * Finding of the Open Cybersecurity Schema Framework 1.3, which SIEMs read.
 */
export const deliveryFormats = ["JSON", "SLACK", "OCSF"] as const;
export type DeliveryFormat = (typeof deliveryFormats)[number];

export type EventType = "signal.detected" | "signal.resolved" | "signal.test";

/** A signal as receivers know it. */
export interface SignalData {
  readonly id: string;
  readonly type: string;
  readonly category: SignalCategory;
  readonly severity: SignalSeverity;
  readonly meaning: string;
  readonly subject: string | null;
  readonly serviceAccountId: string | null;
  readonly sessionId: string | null;
  readonly service: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly happenedAt: string;
  readonly detectedAt: string;
  readonly resolution: SignalResolution | null;
  readonly resolvedBy: string | null;
  readonly note: string | null;
}

/** What is delivered: it says what the signal was when it happened, however late it arrives. */
export interface SignalEvent {
  readonly type: EventType;
  readonly timestamp: string;
  readonly data: SignalData;
}

export function eventOf(type: EventType, signal: Signal, at: number): SignalEvent {
  return {
    type,
    timestamp: new Date(at).toISOString(),
    data: {
      id: signal.signal_id,
      type: signal.type,
      category: signal.category,
      severity: signal.severity,
      meaning: signalTypes[signal.type].meaning,
      subject: signal.subject,
      serviceAccountId: signal.service_account_id,
      sessionId: signal.session_id,
      service: signal.service,
      detail: JSON.parse(signal.detail) as SignalData["detail"],
      happenedAt: new Date(signal.happened_at).toISOString(),
      detectedAt: new Date(signal.detected_at).toISOString(),
      resolution: signal.resolution,
      resolvedBy: signal.resolved_by,
      note: signal.note,
    },
  };
}

/** The body of a delivery. Pure. */
export function renderEvent(format: DeliveryFormat, event: SignalEvent): string {
  switch (format) {
    case "JSON":
      return JSON.stringify(event);
    case "SLACK":
      return JSON.stringify(slackMessage(event));
    case "OCSF":
      return JSON.stringify(detectionFinding(event));
  }
}

const icons: Readonly<Record<SignalSeverity, string>> = {
  INFO: ":information_source:",
  WARN: ":warning:",
  BLOCK: ":no_entry:",
};
/** Slack takes 3,000 characters in a section; what is cut is in the signal itself. */
const mostLetters = 2900;

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
function slackMessage({ type, data }: SignalEvent): unknown {
  const verdict = data.resolution === null ? "" : ` (${data.resolution.toLowerCase().replace("_", " ")})`;
  const title = `${icons[data.severity]} *${data.type}*${type === "signal.test" ? " (a test)" : verdict}`;
  const about = [data.subject, data.service].filter((part) => part !== null).map(escaped);
  const figures = Object.entries(data.detail)
    .filter(([name, value]) => name !== "rule" && value !== null)
    .map(
      ([name, value]) => `• ${name}: ${escaped(typeof value === "string" ? value : JSON.stringify(value))}`,
    );
  const heading = [title, ...about].join(" · ");
  return {
    text: `${data.type}: ${data.meaning}${about.length === 0 ? "" : ` (${about.join(", ")})`}`,
    blocks: [
      {
        type: "section",
        text: { type: "mrkdwn", text: [heading, data.meaning, ...figures].join("\n").slice(0, mostLetters) },
      },
      {
        type: "context",
        elements: [{ type: "mrkdwn", text: `${data.severity} · ${data.category} · ${data.id}` }],
      },
    ],
  };
}

/** Slack reads these three as markup: `<!channel>` in a name would ring everybody. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const ocsfSeverity: Readonly<Record<SignalSeverity, number>> = { INFO: 1, WARN: 3, BLOCK: 4 };
/** In Progress, Suppressed, Resolved. */
const ocsfStatus: Readonly<Record<SignalResolution, number>> = {
  ESCALATED: 2,
  FALSE_POSITIVE: 3,
  ACKNOWLEDGED: 4,
};
const createdActivity = 1;
const updatedActivity = 2;
const closedActivity = 3;
const newStatus = 1;

/** https://schema.ocsf.io/1.3.0/classes/detection_finding */
function detectionFinding({ type, timestamp, data }: SignalEvent): unknown {
  const activity =
    data.resolution === null
      ? createdActivity
      : data.resolution === "ESCALATED"
        ? updatedActivity
        : closedActivity;
  const detectedAt = Date.parse(data.detectedAt);
  return {
    category_uid: 2,
    class_uid: 2004,
    activity_id: activity,
    type_uid: 200_400 + activity,
    time: Date.parse(timestamp),
    severity_id: ocsfSeverity[data.severity],
    status_id: data.resolution === null ? newStatus : ocsfStatus[data.resolution],
    is_alert: activity === createdActivity && type !== "signal.test",
    message: `${data.type}: ${data.meaning}`,
    ...(data.note === null ? {} : { comment: data.note }),
    metadata: {
      version: "1.3.0",
      product: { name: "Flowstate", vendor_name: "Flowstate" },
      uid: data.id,
    },
    finding_info: {
      uid: data.id,
      title: data.type,
      desc: data.meaning,
      types: [data.category],
      created_time: detectedAt,
      first_seen_time: Date.parse(data.happenedAt),
    },
    ...(data.subject === null
      ? {}
      : { resources: [{ type: "user", name: data.subject, uid: data.subject }] }),
    unmapped: { ...data.detail, service: data.service, session: data.sessionId },
  };
}
