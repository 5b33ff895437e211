import type { CallEvent } from "@flowstate/shared/wire/call";

/** What one device says of one call; of several with the same `callId` the one with the highest revision counts. */
export type Report = CallEvent & { readonly source: string; readonly subject: string };

/** The names and the best knowledge of one call. */
export interface Resolved {
  readonly callId: string;
  readonly names: readonly string[];
  /** The report's fields, each group from the capture that is believed for it. */
  readonly report: Report;
}

type Capture = CallEvent["capture"];

/** Which capture is believed, best first, for each group of fields. */
const promptTrust: readonly Capture[] = ["intercept", "relay", "session-log", "otlp"];
const placeTrust: readonly Capture[] = ["session-log", "otlp", "intercept", "relay"];
const outputCaptureTrust: readonly Capture[] = ["intercept", "relay", "otlp", "session-log"];
const outputTrust: readonly CallEvent["outputTrust"][] = ["final", "estimated", "floor"];

/**
 * One call out of all reports of it, which share a name pairwise. Counts are never added. The answer does not depend
 * on the order of the reports.
 */
export function resolveReports(reports: readonly [Report, ...Report[]]): Resolved {
  const prompt = best(reports, (report) => [
    unknown(report.tokens.input),
    promptTrust.indexOf(report.capture),
  ]);
  const output = best(reports, (report) => [
    unknown(report.tokens.output),
    outputTrust.indexOf(report.outputTrust),
    outputCaptureTrust.indexOf(report.capture),
  ]);
  const place = best(reports, (report) => [placeTrust.indexOf(report.capture)]);
  const split = best(reports, (report) => [
    unknown(report.tokens.cacheWrite1h),
    promptTrust.indexOf(report.capture),
  ]);
  const priced = best(reports, (report) => [
    unknown(report.costUsd),
    outputTrust.indexOf(report.outputTrust),
    promptTrust.indexOf(report.capture),
  ]);
  const names = [...new Set(reports.flatMap(({ callId, aliases }) => [callId, ...aliases]))].sort();
  const callId = reports.map((report) => report.callId).reduce((a, b) => (a < b ? a : b));
  return {
    callId,
    names,
    report: {
      ...prompt,
      callId,
      aliases: names.filter((name) => name !== callId),
      revision: Math.max(...reports.map(({ revision }) => revision)),
      source: place.source,
      tool: place.tool,
      toolVersion: place.toolVersion ?? prompt.toolVersion,
      sessionId: place.sessionId,
      occurredAt: place.occurredAt,
      project: place.project ?? prompt.project,
      parentCallId: place.parentCallId ?? prompt.parentCallId,
      tokens: {
        ...prompt.tokens,
        cacheWrite5m: split.tokens.cacheWrite5m,
        cacheWrite1h: split.tokens.cacheWrite1h,
        output: output.tokens.output,
        reasoning: output.tokens.reasoning,
      },
      outputTrust: output.outputTrust,
      estimated: output.estimated,
      estimateMethod: output.estimateMethod,
      costUsd: priced.costUsd,
    },
  };
}

/**
 * Of two accounts by one device under one name, the later, with the names of both: a name once told keeps calls
 * together, whichever revision told it.
 */
export function laterReport(a: Report, b: Report): Report {
  const aliases = [...new Set([...a.aliases, ...b.aliases])].sort();
  return { ...(isLater(a, b) ? a : b), aliases };
}

function isLater(a: Report, b: Report): boolean {
  if (a.revision !== b.revision) return a.revision > b.revision;
  return JSON.stringify({ ...a, aliases: [] }) >= JSON.stringify({ ...b, aliases: [] });
}

/** Why two reports cannot be of one call, or null where they can. */
export function contradiction(a: Report, b: Report): string | null {
  if (a.subject !== b.subject) return "another person has reported this call";
  if (a.provider !== b.provider) return `this call was reported for ${a.provider}, not for ${b.provider}`;
  const apart = Math.abs(Date.parse(a.occurredAt) - Date.parse(b.occurredAt));
  return apart > farApartMs ? "this call was reported for another day" : null;
}

const farApartMs = 86_400_000;

const unknown = (value: unknown): number => (value === null ? 1 : 0);

/** The report with the least ranks; where all are equal, by its text, so that no order of arrival decides. */
function best(reports: readonly [Report, ...Report[]], ranks: (report: Report) => readonly number[]): Report {
  return reports.reduce((a, b) => {
    const [left, right] = [ranks(a), ranks(b)];
    for (const [index, rank] of left.entries()) {
      const other = right[index] ?? 0;
      if (rank !== other) return rank < other ? a : b;
    }
    return isLater(a, b) ? a : b;
  });
}
