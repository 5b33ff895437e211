import type { ContentCounts, ContentEvent } from "@flowstate/shared/wire/content";
import { servicesOfCall } from "../../catalogue/recognise.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Evidence, Finding, Scope } from "../finding.ts";
import { signalSeverities, type SignalSeverity, type SignalType } from "../types.ts";

/** So much personal data in one request is a list of people, no address in a letter. */
const leastOfRecords = 10;

/** What the organisation's own content rules found on devices, by person, service and day. */
export const content: Detector = {
  types: [
    "api_key_in_prompt",
    "secret_detected",
    "pii_detected",
    "customer_data_pattern",
    "banned_content_pattern",
    "brand_violation",
  ],
  cadence: "soon",
  find: (scope) => overDays(scope, async (day) => findContent(await loadFound(scope, day), day)),
};

export interface Found {
  readonly person: string;
  readonly service: string;
  readonly sessionId: string | null;
  readonly rule: string;
  readonly action: ContentEvent["action"];
  readonly enforced: boolean;
  /** Whether in answers, else in what was sent. */
  readonly inAnswer: boolean;
  readonly requests: number;
  readonly found: ContentCounts;
}

/** The types of signal that one report makes. */
export function typesOf({ inAnswer, found }: Pick<Found, "inAnswer" | "found">): readonly SignalType[] {
  const hasPhrase = (found.phrase ?? 0) > 0;
  if (inAnswer) return hasPhrase ? ["brand_violation"] : [];
  const personal =
    (found.payment_card ?? 0) +
    (found.bank_account ?? 0) +
    (found.us_social_security_number ?? 0) +
    (found.email_address ?? 0);
  const types: readonly [SignalType, boolean][] = [
    ["api_key_in_prompt", (found.api_key ?? 0) > 0],
    ["secret_detected", (found.secret ?? 0) > 0],
    ["pii_detected", personal > 0 && personal < leastOfRecords],
    ["customer_data_pattern", personal >= leastOfRecords],
    ["banned_content_pattern", hasPhrase],
  ];
  return types.flatMap(([type, holds]) => (holds ? type : []));
}

const severityOf: Readonly<Record<ContentEvent["action"], SignalSeverity>> = {
  OBSERVE: "INFO",
  WARN: "WARN",
  BLOCK: "BLOCK",
};

/** One signal for what of a type a person sent to a service, or got from it, on a day; as grave as the gravest rule that found it. */
export function findContent(reports: readonly Found[], day: Pick<Day, "date" | "from">): readonly Finding[] {
  const typed = reports.flatMap((report) => typesOf(report).map((type) => ({ ...report, type })));
  const alike = Map.groupBy(typed, ({ type, person, service }) => JSON.stringify([type, person, service]));
  return [...alike.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    const ranks = all.map(({ action }) => signalSeverities.indexOf(severityOf[action]));
    return {
      type: first.type,
      severity: signalSeverities[Math.max(...ranks)] ?? "INFO",
      subject: first.person,
      sessionId: null,
      service: first.service,
      about: "",
      occurrence: day.date,
      at: day.from,
      evidence: { day: day.date, ...evidenceOf(all, first.inAnswer) },
    };
  });
}

function evidenceOf(all: readonly Found[], inAnswer: boolean): Evidence {
  const rules = [...new Set(all.map(({ rule }) => rule))].sort();
  const count = (some: readonly Found[]): number => some.reduce((sum, { requests }) => sum + requests, 0);
  const sessions = new Set(all.map(({ sessionId }) => sessionId)).size;
  const most = Math.max(...all.map(({ found }) => Math.max(...Object.values(found))));
  if (inAnswer) return { rules, answers: count(all), sessions, mostPhrasesInOneAnswer: most };
  const blocked = all.filter(({ action, enforced }) => action === "BLOCK" && enforced);
  return {
    rules,
    requests: count(all),
    blockedRequests: count(blocked),
    sessions,
    mostInOneRequest: most,
  };
}

async function loadFound({ db, orgId, personOf }: Scope, { from, to }: Day): Promise<readonly Found[]> {
  const rows = await db
    .selectFrom("content_findings")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("occurred_at", ">=", from)
    .where("occurred_at", "<", to)
    .execute();
  return rows.map((row) => ({
    person: personOf(row.subject),
    service: servicesOfCall(row.provider, row.tool)[0] ?? row.provider,
    sessionId: row.session_id,
    rule: row.rule,
    action: row.action,
    enforced: row.enforced === 1n,
    inAnswer: row.in_answer === 1n,
    requests: Number(row.requests),
    found: JSON.parse(row.found) as ContentCounts,
  }));
}
