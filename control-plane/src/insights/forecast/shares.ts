import { addDays, addMonths, dayMs, type Period, type UsageDate } from "@flowstate/shared/time";
import type { Allocation, StaffedPerson } from "./facts.ts";

/** Where a part of a person's spend goes; null stands for no project, or no team. */
export interface Share {
  readonly id: string | null;
  readonly weight: bigint;
}

const nowhere: readonly Share[] = [{ id: null, weight: 1n }];

/** Days, the last one included. */
export interface Span {
  readonly first: UsageDate;
  readonly last: UsageDate;
}

export function spanOfMonth(period: Period): Span {
  return {
    first: `${period}-01` as UsageDate,
    last: addDays(`${addMonths(period, 1)}-01` as UsageDate, -1),
  };
}

export interface Shares {
  /** By the allocations of those days; else as that person's calls named projects before. */
  projects(person: StaffedPerson, span: Span): readonly Share[];
  /** By the allocations of those days; else the primary team. */
  teams(person: StaffedPerson, span: Span): readonly Share[];
  /** Both at once: the team that works for each project, where every allocation names one; else each with each. */
  places(person: StaffedPerson, span: Span): readonly Place[];
}

export interface Place {
  readonly projectId: string | null;
  readonly teamId: string | null;
  readonly weight: bigint;
}

/** How a person's spend spreads over projects and teams. `usual` says how calls named projects, for people without allocations. */
export function createShares(
  allocations: readonly Allocation[],
  usual: ReadonlyMap<string, readonly Share[]>,
): Shares {
  const byEmployee = Map.groupBy(allocations, ({ employeeId }) => employeeId);
  const allocated = (person: StaffedPerson, span: Span, idOf: (one: Allocation) => string | null) => {
    if (person.employeeId === null) return [];
    return weigh(byEmployee.get(person.employeeId) ?? [], span, idOf);
  };
  const projects = (person: StaffedPerson, span: Span): readonly Share[] => {
    const shares = allocated(person, span, ({ projectId }) => projectId);
    return shares.length > 0 ? shares : (usual.get(person.subject) ?? nowhere);
  };
  const teams = (person: StaffedPerson, span: Span): readonly Share[] => {
    const shares = allocated(person, span, ({ teamId }) => teamId);
    if (shares.length > 0) return shares;
    return person.teamId === null ? nowhere : [{ id: person.teamId, weight: 1n }];
  };
  return {
    projects,
    teams,
    places(person, span) {
      const own = (person.employeeId === null ? undefined : byEmployee.get(person.employeeId)) ?? [];
      const running = own.filter((one) => daysWithin(one, span) > 0);
      const paired =
        running.length > 0 && running.every((one) => one.projectId !== null && one.teamId !== null);
      if (!paired) return cross(projects(person, span), teams(person, span));
      return running.map(({ projectId, teamId, ...one }) => ({
        projectId,
        teamId,
        weight: one.ftePpm * BigInt(daysWithin(one, span)),
      }));
    },
  };
}

/** Each with each. */
export function cross(projects: readonly Share[], teams: readonly Share[]): readonly Place[] {
  return projects.flatMap((project) =>
    teams.map((team) => ({ projectId: project.id, teamId: team.id, weight: project.weight * team.weight })),
  );
}

/** Full-time equivalents times days of the span, by what the allocation is for. */
function weigh(
  own: readonly Allocation[],
  span: Span,
  idOf: (one: Allocation) => string | null,
): readonly Share[] {
  const weights = new Map<string, bigint>();
  for (const allocation of own) {
    const id = idOf(allocation);
    const days = daysWithin(allocation, span);
    if (id !== null && days > 0) weights.set(id, (weights.get(id) ?? 0n) + allocation.ftePpm * BigInt(days));
  }
  return [...weights]
    .filter(([, weight]) => weight > 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, weight]) => ({ id, weight }));
}

function daysWithin(
  { fromDay, untilDay }: Pick<Allocation, "fromDay" | "untilDay">,
  { first, last }: Span,
): number {
  const from = fromDay > first ? fromDay : first;
  const until = untilDay !== null && untilDay < last ? untilDay : last;
  return from > until ? 0 : (Date.parse(until) - Date.parse(from)) / dayMs + 1;
}
