/**
 * Codex CLI, its editor extension and its app: one rollout file a thread, in which usage stands twice. The per-response
 * record names the response and is believed; the running counter serves only files, or the beginnings of files, that
 * have no such record. A fork or a subagent replays its parent's counters: those belong to the parent and are a
 * baseline here, never calls.
 */
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { fields, id, instant, name, path, type Fields } from "./json.ts";
import type { LineReader } from "./reader.ts";

interface State {
  thread: string | null;
  /** The thread starts with a history that another thread paid for. */
  inherits: boolean;
  /** Last row of the replayed history, by its time; null once the thread's own work began. */
  replayedAt: number | null;
  startedAt: number | null;
  provider: string;
  version: string | null;
  cwd: string | null;
  model: string | null;
  total: Usage | null;
  /** The call that the last counter told of, until a record names it. */
  counted: { readonly callId: string; readonly at: number; readonly usage: Usage } | null;
  recorded: boolean;
}

/** Vendor's figures: cached tokens are part of input, reasoning is part of output. */
interface Usage {
  readonly input: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
  readonly reasoning: number;
}

/** A replay is written in one go: its rows follow each other at once, right after the thread's head. */
const replayGapMs = 1000;
const replayLongestMs = 5000;
/** A record and a counter of the same figures within this time are one response. */
const pairMs = 5000;

export const codexCli: LineReader<State> = {
  kind: "lines",
  tool: "codex-cli",
  marks: ['_tokens"', '_meta"', '_context"'],
  answers: {
    mark: 'role":"assistant"',
    isAnswer: ({ type, payload }) => type === "response_item" && fields(payload)["role"] === "assistant",
  },
  versionOf: (_, { version }) => version,
  start: () => ({
    thread: null,
    inherits: false,
    replayedAt: null,
    startedAt: null,
    provider: "openai",
    version: null,
    cwd: null,
    model: null,
    total: null,
    counted: null,
    recorded: false,
  }),
  read(row, state) {
    const payload = fields(row["payload"]);
    const at = instant(row["timestamp"]);
    switch (row["type"]) {
      case "session_meta":
        if (state.thread === null) readMeta(payload, at, state);
        return [];
      case "turn_context":
        state.model = name(payload["model"]) ?? state.model;
        state.cwd = path(payload["cwd"]) ?? state.cwd;
        return [];
      case "token_usage_record":
        return at === null ? [] : readRecord(payload, at, state);
      case "event_msg":
        return at === null || payload["type"] !== "token_count"
          ? []
          : readCounter(fields(payload["info"]), at, state);
      default:
        return [];
    }
  },
};

function readMeta(meta: Fields, at: number | null, state: State): void {
  const spawn = fields(fields(fields(meta["source"])["subagent"])["thread_spawn"]);
  const parent = meta["forked_from_id"] ?? meta["parent_thread_id"] ?? spawn["parent_thread_id"];
  state.thread = name(meta["id"]);
  state.inherits = name(parent) !== null || name(meta["history_base"]) !== null;
  state.startedAt = at;
  state.replayedAt = state.inherits ? at : null;
  state.provider = name(meta["model_provider"]) ?? "openai";
  state.version = name(meta["cli_version"]);
  state.cwd = path(meta["cwd"]);
}

function readRecord(record: Fields, at: number, state: State): readonly Sighting[] {
  const thread = name(record["thread_id"]) ?? state.thread;
  const response = id(record["response_id"]);
  const usage = readUsage(record["usage"]);
  if (usage === null || response === null || (state.thread !== null && thread !== state.thread)) return [];
  state.recorded = true;
  const twin = state.counted;
  const isTwin = twin !== null && isEqual(twin.usage, usage) && Math.abs(twin.at - at) <= pairMs;
  if (isTwin) state.counted = null;
  return [sighting(response, isTwin ? [twin.callId] : [], usage, at, state)];
}

function readCounter(info: Fields, at: number, state: State): readonly Sighting[] {
  const total = readUsage(info["total_token_usage"]);
  if (total === null || state.recorded) return [];
  const before = state.total;
  state.total = total;
  if (isReplayed(at, state)) {
    state.replayedAt = at;
    return [];
  }
  state.replayedAt = null;
  const usage = growth(before, total, readUsage(info["last_token_usage"]), state);
  if (usage === null || usage.input + usage.output === 0) return [];
  const callId = `codex:${state.thread ?? "unnamed"}:${vectorOf(total)}`;
  state.counted = { callId, at, usage };
  return [sighting(callId, [], usage, at, state)];
}

function isReplayed(at: number, { inherits, replayedAt, startedAt }: State): boolean {
  if (!inherits || replayedAt === null || startedAt === null) return false;
  return at - replayedAt <= replayGapMs && at - startedAt <= replayLongestMs;
}

/** What was used since the counter before; null when it only says again what it said. */
function growth(before: Usage | null, total: Usage, last: Usage | null, { inherits }: State): Usage | null {
  // The first counter of a thread with an inherited history includes that history.
  if (before === null) return inherits ? (last ?? null) : total;
  if (isEqual(total, before)) return null;
  const grown = subtract(total, before);
  // A counter that shrank has started again: only the response itself is known.
  const least = Math.min(grown.input, grown.cached, grown.written, grown.output, grown.reasoning);
  return least < 0 ? last : grown;
}

function sighting(
  callId: string,
  aliases: readonly string[],
  usage: Usage,
  occurredAt: number,
  { thread, provider, version, cwd, model }: State,
): Sighting {
  return logSighting({
    callId,
    aliases,
    tool: "codex-cli",
    toolVersion: version,
    provider,
    model,
    place: { occurredAt, sessionId: thread, cwd },
    tokens: normalise(usage),
  });
}

function normalise({ input, cached, written, output, reasoning }: Usage): TokenCounts {
  return {
    input: Math.max(0, input - cached - written),
    output,
    cacheRead: cached,
    cacheWrite5m: written,
    cacheWrite1h: 0,
    reasoning,
  };
}

function readUsage(value: unknown): Usage | null {
  const usage = fields(value);
  const input = readCount(usage["input_tokens"]);
  const output = readCount(usage["output_tokens"]);
  if (input === null || output === null) return null;
  return {
    input,
    cached: readCount(usage["cached_input_tokens"]) ?? 0,
    written: readCount(usage["cache_write_input_tokens"]) ?? 0,
    output,
    reasoning: readCount(usage["reasoning_output_tokens"]) ?? 0,
  };
}

function subtract(a: Usage, b: Usage): Usage {
  return {
    input: a.input - b.input,
    cached: a.cached - b.cached,
    written: a.written - b.written,
    output: a.output - b.output,
    reasoning: a.reasoning - b.reasoning,
  };
}

function isEqual(a: Usage, b: Usage): boolean {
  return (
    a.input === b.input &&
    a.cached === b.cached &&
    a.written === b.written &&
    a.output === b.output &&
    a.reasoning === b.reasoning
  );
}

function vectorOf({ input, cached, written, output, reasoning }: Usage): string {
  return `${input}.${cached}.${written}.${output}.${reasoning}`;
}
