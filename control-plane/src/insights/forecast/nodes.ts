import type { NanoUsd } from "@flowstate/shared/money";
import { splitUsd } from "@flowstate/shared/money";
import type { Share } from "./shares.ts";

/** What sums are made for: the organisation, and each project and team with one more of each for what belongs to none. */
export interface Node {
  readonly kind: "organisation" | "project" | "team";
  /** Null for the organisation, and for what belongs to no project or no team. */
  readonly id: string | null;
}

export const organisation: Node = { kind: "organisation", id: null };

export function nodeKey({ kind, id }: Node): string {
  return `${kind}/${id ?? ""}`;
}

/** Sums by node and step. A spend goes once to the organisation, once over projects and once over teams. */
export interface ExactSums {
  add(step: number, amount: bigint, projects: readonly Share[], teams: readonly Share[]): void;
  /** Steps without a sum are 0. */
  of(node: Node): readonly bigint[];
  nodes(): readonly Node[];
}

/** Parts add up to the whole to the nano-dollar. */
export function exactSums(steps: number): ExactSums {
  const sums = new Map<string, { readonly node: Node; readonly amounts: bigint[] }>();
  const to = (node: Node, step: number, amount: bigint): void => {
    const key = nodeKey(node);
    const found = sums.get(key) ?? { node, amounts: Array.from({ length: steps }, () => 0n) };
    found.amounts[step] = (found.amounts[step] ?? 0n) + amount;
    sums.set(key, found);
  };
  const spread = (kind: Node["kind"], step: number, amount: bigint, shares: readonly Share[]): void => {
    const [only] = shares;
    if (shares.length === 1 && only !== undefined) return to({ kind, id: only.id }, step, amount);
    const parts = splitUsd(
      amount as NanoUsd,
      shares.map(({ weight }) => weight),
    );
    if (parts === null) return to({ kind, id: null }, step, amount);
    for (const [index, { id }] of shares.entries()) to({ kind, id }, step, parts[index] ?? 0n);
  };
  return {
    add(step, amount, projects, teams) {
      to(organisation, step, amount);
      spread("project", step, amount, projects);
      spread("team", step, amount, teams);
    },
    of: (node) => sums.get(nodeKey(node))?.amounts ?? Array.from({ length: steps }, () => 0n),
    nodes: () => [...sums.values()].map(({ node }) => node),
  };
}
