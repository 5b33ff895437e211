import { layBills } from "./bills.ts";
import { isServiceAccount } from "../../service-accounts/subject.ts";
import { addMeasures, nothing, type AttributionFacts, type Measures, type SessionCount } from "./facts.ts";
import { createPlaces, spreadCells, type Piece, type Places } from "./spread.ts";

export const dimensions = ["COST_CENTRE", "TEAM", "PROJECT", "PERSON", "SERVICE", "MODEL"] as const;
export type Dimension = (typeof dimensions)[number];

/** INCREMENTAL: what is paid by the call; MARKET: the list price of every call. */
export type CostMode = "INCREMENTAL" | "MARKET";

/** The way down: only what belongs to all of these. `unassigned` means what belongs to none. */
export type Drill = Readonly<Partial<Record<Dimension, string>>>;

export interface AttributionRow extends Measures {
  /** `unassigned` for what belongs to none. */
  readonly key: string;
  readonly label: string;
  /** Whether any of it is billed; else what was billed is unknown. */
  readonly hasBill: boolean;
  /** With several models a session counts for each of them. */
  readonly sessions: number;
  /** People who used AI. */
  readonly people: number;
}

export interface Attribution {
  /** The dearest first. */
  readonly rows: readonly AttributionRow[];
  /** Of everything that the way down leads to. */
  readonly total: AttributionRow;
  /** Active people of the directory, how many of them were seen, and people who were seen but are not in it. */
  readonly headcount: number;
  readonly seen: number;
  readonly unresolved: number;
}

export const unassigned = "unassigned";

export function attribute(facts: AttributionFacts, by: Dimension, drill: Drill, mode: CostMode): Attribution {
  const places = createPlaces(facts);
  const all = spreadCells(layBills(facts.observed, facts.billed), places);
  const pieces = all.filter((piece) => matches(keysOfPiece(piece), drill));
  const sessions = facts.sessions
    .map((session) => ({ session, keys: keysOfSession(session, places) }))
    .filter(({ keys }) => matches(keys, drill));
  const labelOf = labels(facts, by);
  const counted = countBy(sessions, by);
  const rows = [...Map.groupBy(pieces, (piece) => keyOf(piece, by))]
    .map(([key, own]) => rowOf(key, labelOf(key), own, counted.get(key) ?? 0))
    .sort((a, b) => descending(costOf(a, mode), costOf(b, mode)) || (a.key < b.key ? -1 : 1));
  const total = rowOf(
    "total",
    "Total",
    pieces,
    sessions.reduce((sum, { session }) => sum + session.sessions, 0),
  );
  const active = new Set(facts.employees.flatMap(({ email, active }) => (active ? [email] : [])));
  const known = new Set(facts.employees.map(({ email }) => email));
  const users = new Set(facts.observed.flatMap(({ subject, calls }) => (calls > 0n ? [subject] : [])));
  return {
    rows,
    total,
    headcount: active.size,
    seen: [...users].filter((subject) => active.has(subject)).length,
    unresolved: [...users].filter((subject) => !known.has(subject) && !isServiceAccount(subject)).length,
  };
}

function rowOf(key: string, label: string, pieces: readonly Piece[], sessions: number): AttributionRow {
  return {
    ...pieces.reduce<Measures>(addMeasures, nothing),
    key,
    label,
    hasBill: pieces.some(({ hasBill }) => hasBill),
    sessions,
    people: new Set(
      pieces.flatMap(({ subject, listPrice, calls }) =>
        (calls > 0n || listPrice > 0n) && !isServiceAccount(subject) ? [subject] : [],
      ),
    ).size,
  };
}

type Keys = Readonly<Record<Exclude<Dimension, "MODEL">, string>> & { readonly MODEL: readonly string[] };

function keysOfPiece(piece: Piece): Keys {
  return {
    COST_CENTRE: piece.costCentre ?? unassigned,
    TEAM: piece.teamId ?? unassigned,
    PROJECT: piece.projectId ?? unassigned,
    PERSON: piece.subject,
    SERVICE: piece.system,
    MODEL: [piece.model ?? unassigned],
  };
}

/** A session is one thing: it goes where most of the person's time does. */
function keysOfSession({ system, subject, projectId, models }: SessionCount, places: Places): Keys {
  const [place] = places.of(subject, projectId);
  return {
    COST_CENTRE: place?.costCentre ?? unassigned,
    TEAM: place?.teamId ?? unassigned,
    PROJECT: place?.projectId ?? unassigned,
    PERSON: subject,
    SERVICE: system,
    MODEL: models.length === 0 ? [unassigned] : models,
  };
}

/** Whether a session belongs to all that the way down names. */
export function leadsTo(session: SessionCount, places: Places, drill: Drill): boolean {
  return matches(keysOfSession(session, places), drill);
}

function keyOf(piece: Piece, by: Dimension): string {
  const key = keysOfPiece(piece)[by];
  return typeof key === "string" ? key : (key[0] ?? unassigned);
}

function matches(keys: Keys, drill: Drill): boolean {
  return dimensions.every((dimension) => {
    const wanted = drill[dimension];
    return (
      wanted === undefined ||
      (dimension === "MODEL" ? keys.MODEL.includes(wanted) : keys[dimension] === wanted)
    );
  });
}

function countBy(
  sessions: readonly { readonly session: SessionCount; readonly keys: Keys }[],
  by: Dimension,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { session, keys } of sessions) {
    const own = keys[by];
    for (const key of typeof own === "string" ? [own] : own)
      counts.set(key, (counts.get(key) ?? 0) + session.sessions);
  }
  return counts;
}

function labels(facts: AttributionFacts, by: Dimension): (key: string) => string {
  const names = new Map<string, string | null>(
    by === "TEAM"
      ? facts.teams.map(({ teamId, name }) => [teamId, name])
      : by === "PROJECT"
        ? facts.projects.map(({ projectId, name }) => [projectId, name])
        : by === "PERSON"
          ? facts.employees.map(({ email, name }) => [email, name])
          : [],
  );
  return (key) => (key === unassigned ? noneOf[by] : (names.get(key) ?? key));
}

const noneOf: Readonly<Record<Dimension, string>> = {
  COST_CENTRE: "(no cost centre)",
  TEAM: "(no team)",
  PROJECT: "(no project)",
  PERSON: "(nobody)",
  SERVICE: "(no service)",
  MODEL: "(not stated)",
};

/** What rows are ordered by: the mode's cost, or what was billed where that is more. */
function costOf(row: AttributionRow, mode: CostMode): bigint {
  const observed = mode === "MARKET" ? row.listPrice : row.paid;
  const billed = row.billedUsage + row.billedFlat;
  return observed > billed ? observed : billed;
}

function descending(a: bigint, b: bigint): number {
  return a === b ? 0 : a > b ? -1 : 1;
}
