import { addUsd, zeroUsd, type NanoUsd } from "@flowstate/shared/money";
import type { OutputTrust } from "../normalise/sighting.ts";

/** What belongs together in every report: all calls of a quarter of an hour that differ in none of these. */
export interface BucketKey {
  /** Start of the quarter, UTC epoch milliseconds: every time zone's day begins on one. */
  readonly quarter: number;
  readonly tool: string;
  readonly provider: string;
  readonly model: string | null;
  readonly session: string | null;
  readonly project: string | null;
}

export interface Usage {
  readonly calls: number;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** Sum of the calls that have a price. */
  readonly costNanoUsd: NanoUsd;
  /** Calls whose model has no known price, or whose tokens are not known. */
  readonly unpricedCalls: number;
  /** Output tokens by how far they can be trusted; they add up to `output`. */
  readonly outputByTrust: Readonly<Record<OutputTrust, number>>;
}

export interface Bucket extends BucketKey {
  readonly usage: Usage;
}

export const noUsage: Usage = {
  calls: 0,
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  costNanoUsd: zeroUsd,
  unpricedCalls: 0,
  outputByTrust: { final: 0, floor: 0, estimated: 0 },
};

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    calls: a.calls + b.calls,
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    costNanoUsd: addUsd(a.costNanoUsd, b.costNanoUsd),
    unpricedCalls: a.unpricedCalls + b.unpricedCalls,
    outputByTrust: {
      final: a.outputByTrust.final + b.outputByTrust.final,
      floor: a.outputByTrust.floor + b.outputByTrust.floor,
      estimated: a.outputByTrust.estimated + b.outputByTrust.estimated,
    },
  };
}
