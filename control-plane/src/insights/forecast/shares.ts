import { addDays, addMonths, dayMs, type Period, type UsageDate } from "@flowstate/shared/time";
import type { Allocation, ForecastPerson } from "./facts.ts";

/** Where a part of a person's spend goes; null stands for no project, or no team. */
export interface Share {
  readonly id: string | null;
  readonly weight: bigint;
}

const nowhere: readonly Share[] = [{ id: null, weight: 1n }];

export interface Shares {
  /** By the allocations of that month; else as that person's calls named projects before. */
  projects(person: ForecastPerson, period: Period): readonly Share[];
  /** By the allocations of that month; else the primary team. */
  teams(person: ForecastPerson, period: Period): readonly Share[];
}

/** How a person's spend spreads over projects and teams. `usual` says how calls named projects, for people without allocations. */
export function createShares(
  allocations: readonly Allocation[],
  usual: ReadonlyMap<string, readonly Share[]>,
): Shares {
  const byEmployee = Map.groupBy(allocations, ({ employeeId }) => employeeId);
  const allocated = (person: ForecastPerson, period: Period, idOf: (one: Allocation) => string | null) => {
    if (person.employeeId === null) return [];
    return weigh(byEmployee.get(person.employeeId) ?? [], period, idOf);
  };
  return {
    projects(person, period) {
      const shares = allocated(person, period, ({ projectId }) => projectId);
      return shares.length > 0 ? shares : (usual.get(person.subject) ?? nowhere);
    },
    teams(person, period) {
      const shares = allocated(person, period, ({ teamId }) => teamId);
      if (shares.length > 0) return shares;
      return person.teamId === null ? nowhere : [{ id: person.teamId, weight: 1n }];
    },
  };
}

/** Full-time equivalents times days of the month, by what the allocation is for. */
function weigh(
  own: readonly Allocation[],
  period: Period,
  idOf: (one: Allocation) => string | null,
): readonly Share[] {
  const weights = new Map<string, bigint>();
  for (const allocation of own) {
    const id = idOf(allocation);
    const days = daysWithin(allocation, period);
    if (id !== null && days > 0) weights.set(id, (weights.get(id) ?? 0n) + allocation.ftePpm * BigInt(days));
  }
  return [...weights]
    .filter(([, weight]) => weight > 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, weight]) => ({ id, weight }));
}

function daysWithin({ fromDay, untilDay }: Allocation, period: Period): number {
  const first = `${period}-01`;
  const last = addDays(`${addMonths(period, 1)}-01` as UsageDate, -1);
  const from = fromDay > first ? fromDay : first;
  const until = untilDay !== null && untilDay < last ? untilDay : last;
  return from > until ? 0 : (Date.parse(until) - Date.parse(from)) / dayMs + 1;
}
