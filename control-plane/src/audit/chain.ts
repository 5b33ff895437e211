import { hash } from "node:crypto";

/** One entry of an organisation's audit log, before it is hashed. */
export interface AuditRecord {
  readonly orgId: string;
  readonly sequence: bigint;
  /** UTC epoch milliseconds. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string | null;
  readonly detail: string | null;
}

export interface ChainedRecord extends AuditRecord {
  readonly previousHash: string;
  readonly hash: string;
}

/** What the first entry follows. */
export const genesisHash = "0".repeat(64);

/** SHA-256 over the hash before and the entry as JSON with its names in this fixed order (RFC 8785 for such values). */
export function entryHash(previousHash: string, record: AuditRecord): string {
  const { action, actor, at, detail, orgId, sequence, target } = record;
  const canonical = JSON.stringify({ action, actor, at, detail, orgId, sequence: String(sequence), target });
  return hash("sha256", `${previousHash}\n${canonical}`, "hex");
}

export type ChainFault =
  | { readonly sequence: bigint; readonly fault: "changed" }
  | { readonly sequence: bigint; readonly fault: "missing" }
  | { readonly sequence: bigint; readonly fault: "not_linked" };

/** Where a chain stands after its entries so far. */
export interface ChainPoint {
  readonly sequence: bigint;
  readonly hash: string;
}

export const chainStart: ChainPoint = { sequence: 0n, hash: genesisHash };

/** The first fault of the entries that follow `from`, or the point they lead to. */
export function followChain(
  from: ChainPoint,
  entries: Iterable<ChainedRecord>,
): { readonly point: ChainPoint } | ChainFault {
  let point = from;
  for (const entry of entries) {
    const expected = point.sequence + 1n;
    if (entry.sequence !== expected) return { sequence: expected, fault: "missing" };
    if (entry.hash !== entryHash(entry.previousHash, entry)) return { sequence: expected, fault: "changed" };
    if (entry.previousHash !== point.hash) return { sequence: expected, fault: "not_linked" };
    point = { sequence: entry.sequence, hash: entry.hash };
  }
  return { point };
}
