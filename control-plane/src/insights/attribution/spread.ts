import { splitUsd, type NanoUsd } from "@flowstate/shared/money";
import type { TeamNode } from "../../usage-queries/facts.ts";
import { createShares, cross, type Place } from "../forecast/shares.ts";
import type { Cell } from "./bills.ts";
import { measures, type Measures, type PlaceFacts } from "./facts.ts";

/** A cell's part for one project and one team. */
export interface Piece extends Cell {
  readonly teamId: string | null;
  readonly costCentre: string | null;
}

/** Where use belongs, the heaviest first; the parts of a person who is nowhere are one. */
export interface Places {
  of(subject: string, projectId: string | null): readonly Placed[];
}

/** The cost centre is the project's own, else that of the team or the nearest above it. */
interface Placed extends Place {
  readonly costCentre: string | null;
}

export function createPlaces(facts: PlaceFacts): Places {
  const span = { first: facts.window.startDate, last: facts.window.endDate };
  const employees = new Map(facts.employees.map((employee) => [employee.email, employee]));
  const teams = new Map(facts.teams.map((team) => [team.teamId, team]));
  const projectCentres = new Map(facts.projects.map(({ projectId, costCentre }) => [projectId, costCentre]));
  const shares = createShares(facts.allocations, new Map());
  const known = new Map<string, readonly Placed[]>();
  const find = (subject: string, projectId: string | null): readonly Placed[] => {
    const employee = employees.get(subject);
    const teamId = employee?.teamId != null && teams.has(employee.teamId) ? employee.teamId : null;
    const person = { subject, employeeId: employee?.employeeId ?? null, teamId };
    const places =
      projectId === null
        ? shares.places(person, span)
        : cross([{ id: projectId, weight: 1n }], shares.teams(person, span));
    return places
      .map((place) => ({ ...place, costCentre: centreOf(place) }))
      .sort((a, b) => (a.weight === b.weight ? 0 : a.weight > b.weight ? -1 : 1));
  };
  const centreOf = ({ projectId, teamId }: Place): string | null => {
    const own = projectId === null ? undefined : projectCentres.get(projectId);
    return own ?? centreOfTeam(teamId, teams);
  };
  return {
    of(subject, projectId) {
      const key = `${subject}\n${projectId ?? ""}`;
      const found = known.get(key) ?? find(subject, projectId);
      known.set(key, found);
      return found;
    },
  };
}

/** Splits what names no project by allocations, and everybody's use over teams. Parts sum to the whole. */
export function spreadCells(cells: readonly Cell[], places: Places): readonly Piece[] {
  return cells.flatMap((cell) => {
    const parts = places.of(cell.subject, cell.projectId);
    const split = splitMeasures(
      cell,
      parts.map(({ weight }) => weight),
    );
    return parts.map(({ projectId, teamId, costCentre }, index): Piece => ({
      ...cell,
      ...split(index),
      projectId,
      teamId,
      costCentre,
    }));
  });
}

function splitMeasures(whole: Measures, weights: readonly bigint[]): (index: number) => Partial<Measures> {
  if (weights.length === 1) return () => ({});
  const parts = new Map(measures.map((name) => [name, splitUsd(whole[name] as NanoUsd, weights)]));
  return (index) => Object.fromEntries([...parts].map(([name, own]) => [name, own?.[index] ?? 0n]));
}

function centreOfTeam(teamId: string | null, teams: ReadonlyMap<string, TeamNode>): string | null {
  const seen = new Set<string>();
  for (let next = teamId; next !== null && !seen.has(next); next = teams.get(next)?.parentId ?? null) {
    seen.add(next);
    const centre = teams.get(next)?.costCentre ?? null;
    if (centre !== null) return centre;
  }
  return null;
}
