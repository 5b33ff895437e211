import { fields, type Fields } from "../files/json.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import type { OtlpPoint } from "./records.ts";

/**
 * Holds a tool's own token metrics against the calls that its events told of, since the start. Metrics are sums over
 * calls and never make one; a tool whose metrics run ahead has lost events, or sends none.
 */
export interface Checksum {
  calls(sightings: readonly Sighting[]): void;
  points(points: readonly OtlpPoint[]): void;
  read(): readonly ChecksumRow[];
}

export interface ChecksumRow {
  readonly tool: string;
  /** Output tokens of calls that came as events. */
  readonly counted: number;
  /** Output tokens by the tool's metrics. */
  readonly metered: number;
}

interface TokenMetric {
  readonly tool: string;
  readonly types: readonly string[];
}

/** Token metrics whose unit and whose kinds of tokens are documented, and the kinds that are output. */
const tokenMetrics: Readonly<Record<string, TokenMetric>> = {
  "claude_code.token.usage": { tool: "claude-code", types: ["output"] },
  "gemini_cli.token.usage": { tool: "gemini-cli", types: ["output", "thought"] },
};

/** Series that are followed at once; a tool starts a few for every conversation. */
const mostSeries = 10_000;

export function createChecksum(): Checksum {
  const counted = new Map<string, number>();
  const metered = new Map<string, number>();
  const last = new Map<string, number>();

  const growth = (point: OtlpPoint): number => {
    if (!point.isCumulative) return point.value;
    const series = JSON.stringify([point.service, point.name, point.startedAt, sorted(point.attributes)]);
    const before = last.get(series) ?? 0;
    if (last.size >= mostSeries) last.clear();
    last.set(series, point.value);
    return point.value - before;
  };

  return {
    calls(sightings) {
      for (const { tool, tokens } of sightings)
        counted.set(tool, (counted.get(tool) ?? 0) + (tokens.output ?? 0));
    },
    points(points) {
      for (const point of points) {
        const metric = Object.hasOwn(tokenMetrics, point.name) ? tokenMetrics[point.name] : undefined;
        if (metric === undefined || !metric.types.includes(String(point.attributes["type"]))) continue;
        metered.set(metric.tool, (metered.get(metric.tool) ?? 0) + growth(point));
      }
    },
    read: () =>
      [...metered].map(([tool, tokens]) => ({ tool, counted: counted.get(tool) ?? 0, metered: tokens })),
  };
}

function sorted(attributes: Fields): readonly (readonly [string, unknown])[] {
  return Object.entries(fields(attributes)).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
