/** Copilot CLI: its store keeps one row a request; its event log has only running sums, written as a session ends. */
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { fields, instant, name, path, type Fields } from "./json.ts";
import type { DatabaseReader, LineReader } from "./reader.ts";

export const copilotCliStore: DatabaseReader = {
  kind: "database",
  tool: "copilot-cli",
  tables: [
    {
      name: "assistant_usage_events",
      columns: `m.id, m.session_id, m.model, m.input_tokens, m.output_tokens, m.cache_read_tokens,
        m.cache_write_tokens, m.reasoning_tokens, m.created_at, s.cwd`,
      from: "assistant_usage_events m LEFT JOIN sessions s ON s.id = m.session_id",
      where: "true",
      changed: null,
      version: null,
      read: readRequest,
      silence: () => "finished",
    },
  ],
  // Earlier versions kept a store without usage.
  isNeverWithout: false,
};

function readRequest(row: Fields): Sighting[] {
  const session = name(row["session_id"]);
  const occurredAt = instant(row["created_at"]);
  const counts = normalise({
    inputTokens: readCount(row["input_tokens"]),
    outputTokens: readCount(row["output_tokens"]),
    cacheReadTokens: readCount(row["cache_read_tokens"]),
    cacheWriteTokens: readCount(row["cache_write_tokens"]),
    reasoningTokens: readCount(row["reasoning_tokens"]),
  });
  const id = typeof row["id"] === "number" ? String(row["id"]) : name(row["id"]);
  if (id === null || occurredAt === null || counts === null) return [];
  const callId = `copilot:${session ?? "unnamed"}:${id}`;
  return [sighting(callId, name(row["model"]), occurredAt, session, path(row["cwd"]), counts)];
}

interface State {
  session: string | null;
  cwd: string | null;
  /** Sums already told of, by model: the log counts on through resumed sessions. */
  told: Record<string, Sums>;
}

type Sums = Readonly<Record<(typeof summed)[number], number>>;
const summed = [
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
] as const;

/** Read only where there is no store: one call stands for all requests of a model between two ends of a session. */
export const copilotCliEvents: LineReader<State> = {
  kind: "lines",
  tool: "copilot-cli",
  marks: ['"session.start"', '"session.shutdown"'],
  start: () => ({ session: null, cwd: null, told: {} }),
  read(row, state) {
    const data = fields(row["data"]);
    if (row["type"] === "session.start") {
      state.session = name(data["sessionId"]) ?? state.session;
      state.cwd = path(fields(data["context"])["cwd"]) ?? state.cwd;
      return [];
    }
    const occurredAt = instant(row["timestamp"]);
    if (row["type"] !== "session.shutdown" || occurredAt === null) return [];
    return Object.entries(fields(data["modelMetrics"])).flatMap(([model, metrics]) => {
      const sums = readSums(fields(fields(metrics)["usage"]));
      // A model may be called as a member of every object is.
      const before = Object.hasOwn(state.told, model) ? state.told[model] : undefined;
      state.told = { ...state.told, [model]: sums };
      const used = subtract(sums, before);
      const counts = normalise(used);
      if (counts === null || used.inputTokens + used.outputTokens === 0) return [];
      const callId = `copilot:${state.session ?? "unnamed"}:${model}:${sums.inputTokens}.${sums.outputTokens}`;
      return [sighting(callId, name(model), occurredAt, state.session, state.cwd, counts)];
    });
  },
};

function readSums(usage: Fields): Sums {
  return Object.fromEntries(summed.map((key) => [key, readCount(usage[key]) ?? 0])) as Sums;
}

/** Sums that shrank have started again. */
function subtract(sums: Sums, before: Sums | undefined): Sums {
  if (before === undefined || summed.some((key) => sums[key] < before[key])) return sums;
  return Object.fromEntries(summed.map((key) => [key, sums[key] - before[key]])) as Sums;
}

/** Cached tokens are inside input. */
function normalise(usage: Readonly<Record<keyof Sums, number | null>>): TokenCounts | null {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  if (inputTokens === null || outputTokens === null) return null;
  return {
    input: Math.max(0, inputTokens - (cacheReadTokens ?? 0) - (cacheWriteTokens ?? 0)),
    output: outputTokens,
    cacheRead: cacheReadTokens,
    cacheWrite5m: cacheWriteTokens,
    cacheWrite1h: null,
    reasoning: reasoningTokens,
  };
}

function sighting(
  callId: string,
  model: string | null,
  occurredAt: number,
  sessionId: string | null,
  cwd: string | null,
  counts: TokenCounts,
): Sighting {
  return logSighting({
    callId,
    tool: "copilot-cli",
    provider: "github-copilot",
    model,
    place: { occurredAt, sessionId, cwd },
    tokens: counts,
    billing: "plan",
  });
}
