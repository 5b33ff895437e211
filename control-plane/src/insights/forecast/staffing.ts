import type { Allocation, ForecastFacts } from "./facts.ts";
import type { Node } from "./nodes.ts";

/** Who works for a project, in a team or in the organisation today. */
export interface Staffing {
  readonly headcount: number;
  /** Millionths of a full-time position. */
  readonly ftePpm: bigint;
  /** Last day of the last allocation; null where one is open-ended, or where there is none to go by. */
  readonly allocatedUntil: string | null;
}

const fullTime = 1_000_000n;

/** Who has no allocation counts whole for the primary team, where that person's spend goes as well. */
export function createStaffing(facts: ForecastFacts): (node: Node) => Staffing {
  const { today, allocations, people } = facts;
  const active = people.filter((person) => person.active && person.employeeId !== null);
  const activeIds = new Set(active.map(({ employeeId }) => employeeId));
  const running = allocations.filter(
    ({ employeeId, fromDay, untilDay }) =>
      activeIds.has(employeeId) && fromDay <= today && (untilDay === null || untilDay >= today),
  );
  const byProject = Map.groupBy(running, ({ projectId }) => projectId);
  const byTeam = Map.groupBy(running, ({ teamId }) => teamId);
  const inTeams = new Set(
    running.filter(({ teamId }) => teamId !== null).map(({ employeeId }) => employeeId),
  );
  const primary = Map.groupBy(
    active.filter(({ employeeId }) => employeeId !== null && !inTeams.has(employeeId)),
    ({ teamId }) => teamId,
  );
  return ({ kind, id }) => {
    if (kind === "organisation") return countStaff([], active.length);
    const own = id === null ? [] : ((kind === "project" ? byProject : byTeam).get(id) ?? []);
    return countStaff(own, kind === "team" ? (primary.get(id) ?? []).length : 0);
  };
}

function countStaff(own: readonly Allocation[], others: number): Staffing {
  const lasting = others > 0 || own.some(({ untilDay }) => untilDay === null);
  const ends = lasting ? [] : own.flatMap(({ untilDay }) => untilDay ?? []);
  return {
    headcount: new Set(own.map(({ employeeId }) => employeeId)).size + others,
    ftePpm: own.reduce((sum, { ftePpm }) => sum + ftePpm, BigInt(others) * fullTime),
    allocatedUntil: ends.sort().at(-1) ?? null,
  };
}
