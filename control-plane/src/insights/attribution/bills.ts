import { splitUsd, type NanoUsd } from "@flowstate/shared/money";
import { unattributed } from "../../usage-queries/answers.ts";
import { nothing, type BilledTotal, type Measures, type ObservedCell } from "./facts.ts";

/** A cell of everything known: whom, with what, and what it came to. */
export interface Cell extends ObservedCell {
  /** Whether the system is billed at all; without a bill the billed measures are unknown, not 0. */
  readonly hasBill: boolean;
}

/**
 * Puts bills onto what was observed: a person's onto that person's use of the system by list price; what names nobody onto
 * everybody's use of it that no bill has explained. What finds no use stands in a cell of its own.
 */
export function layBills(observed: readonly ObservedCell[], billed: readonly BilledTotal[]): readonly Cell[] {
  const systems = new Set(billed.map(({ system }) => system));
  const cells: Mutable<Cell>[] = observed.map((cell) => ({ ...cell, hasBill: systems.has(cell.system) }));
  const own = Map.groupBy(cells, ({ system, subject }) => `${system}\n${subject}`);
  const ofSystem = Map.groupBy(cells, ({ system }) => system);
  for (const { system, subject, flat, nanoUsd } of billed) {
    if (subject === null) continue;
    const use = own.get(`${system}\n${subject}`) ?? [];
    if (!lay(use, flat, nanoUsd, ({ listPrice }) => listPrice))
      cells.push(aloneCell(system, subject, flat, nanoUsd));
  }
  // All of nobody's lines are laid by what the named ones left open.
  const open = new Map(
    cells.map((cell) => [cell, positive(cell.listPrice - cell.billedUsage - cell.billedFlat)]),
  );
  for (const { system, subject, flat, nanoUsd } of billed) {
    if (subject !== null) continue;
    const use = ofSystem.get(system) ?? [];
    if (!lay(use, flat, nanoUsd, (cell) => open.get(cell) ?? 0n)) {
      cells.push(aloneCell(system, unattributed, flat, nanoUsd));
    }
  }
  return cells;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function lay(
  cells: readonly Mutable<Cell>[],
  flat: boolean,
  nanoUsd: bigint,
  weightOf: (cell: Mutable<Cell>) => bigint,
): boolean {
  const parts = splitUsd(nanoUsd as NanoUsd, cells.map(weightOf));
  if (parts === null) return false;
  const name: keyof Measures = flat ? "billedFlat" : "billedUsage";
  for (const [index, cell] of cells.entries()) cell[name] += parts[index] ?? 0n;
  return true;
}

function aloneCell(system: string, subject: string, flat: boolean, nanoUsd: bigint): Mutable<Cell> {
  const billed = flat ? { billedFlat: nanoUsd } : { billedUsage: nanoUsd };
  return { ...nothing, ...billed, system, subject, model: null, projectId: null, hasBill: true };
}

function positive(amount: bigint): bigint {
  return amount > 0n ? amount : 0n;
}
