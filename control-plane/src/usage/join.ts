import { contradiction, laterReport, resolveReports, type Report, type Resolved } from "./resolve.ts";
import type { KnownCall } from "./known-calls.ts";

/** A call that a batch has touched: what it was before, perhaps as several, and every report of it now. */
export interface TouchedCall {
  readonly before: readonly KnownCall[];
  readonly reports: readonly [Report, ...Report[]];
  readonly resolved: Resolved;
}

export interface Joined {
  readonly touched: readonly TouchedCall[];
  readonly contradictions: readonly { readonly report: Report; readonly reason: string }[];
}

interface Group {
  before: readonly KnownCall[];
  reports: ReadonlyMap<string, Report>;
  names: readonly string[];
}

/**
 * Puts new reports to the calls whose names they share; a report that shares names with two calls makes them one. A
 * report that cannot be of the call it names changes nothing.
 */
export function joinReports(known: readonly KnownCall[], fresh: readonly Report[]): Joined {
  const byName = new Map<string, Group>();
  const place = (group: Group): void => {
    for (const name of group.names) byName.set(name, group);
  };
  for (const call of known) {
    const reports = new Map(call.reports.map((report) => [keyOf(report), report]));
    place({ before: [call], reports, names: call.names });
  }
  const touched = new Set<Group>();
  const contradictions: Joined["contradictions"][number][] = [];
  for (const report of fresh) {
    const names = [report.callId, ...report.aliases];
    const groups = [...new Set(names.flatMap((name) => byName.get(name) ?? []))];
    const told = groups.flatMap((group) => [...group.reports.values()]);
    const reason = told.map((other) => contradiction(other, report)).find((found) => found !== null);
    if (reason !== undefined && reason !== null) {
      contradictions.push({ report, reason });
      continue;
    }
    const reports = new Map(groups.flatMap((group) => [...group.reports]));
    const key = keyOf(report);
    const earlier = reports.get(key);
    reports.set(key, earlier === undefined ? report : laterReport(earlier, report));
    const group: Group = {
      before: groups.flatMap(({ before }) => before),
      reports,
      names: [...new Set([...groups.flatMap((each) => each.names), ...names])],
    };
    for (const old of groups) touched.delete(old);
    touched.add(group);
    place(group);
  }
  return { contradictions, touched: [...touched].flatMap(finish) };
}

function finish({ before, reports }: Group): readonly TouchedCall[] {
  const [first, ...rest] = reports.values();
  if (first === undefined) return [];
  const all = [first, ...rest] as const;
  return [{ before, reports: [...all], resolved: resolveReports([...all]) }];
}

/** One device tells one call under one `callId`, in revisions. */
function keyOf({ source, callId }: Report): string {
  return `${source} ${callId}`;
}
