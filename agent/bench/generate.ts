/**
 * Writes session logs of Claude Code and Codex CLI in the shape and size distribution of real ones: one row per content
 * block that repeats the call's usage, large tool results between them, cumulative counters after every Codex answer.
 * The same seed writes the same bytes.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Corpus {
  readonly root: string;
  readonly claudeHome: string;
  readonly codexHome: string;
  readonly files: number;
  readonly bytes: number;
  readonly calls: number;
}

export interface CorpusOptions {
  readonly root: string;
  readonly megabytes: number;
  readonly seed?: number;
}

const dayMs = 86_400_000;
const firstDay = Date.parse("2026-09-01T00:00:00Z");

export function generateCorpus({ root, megabytes, seed = 1 }: CorpusOptions): Corpus {
  const random = generator(seed);
  const claudeHome = join(root, "claude");
  const codexHome = join(root, "codex");
  const target = megabytes * 1_000_000;
  let bytes = 0;
  let files = 0;
  let calls = 0;
  while (bytes < target) {
    const size = fileSize(random);
    const at = firstDay + Math.floor(random() * 60) * dayMs + Math.floor((8 + random() * 8) * 3_600_000);
    const session = uuid(random);
    const isClaude = random() < 0.7;
    const written = isClaude
      ? claudeSession(random, session, at, size)
      : codexSession(random, session, at, size);
    const folder = isClaude
      ? join(claudeHome, "projects", `-home-dev-src-project-${Math.floor(random() * 40)}`)
      : join(codexHome, "sessions", ...new Date(at).toISOString().slice(0, 10).split("-"));
    const name = isClaude
      ? `${session}.jsonl`
      : `rollout-${new Date(at).toISOString().slice(0, 19).replaceAll(":", "-")}-${session}.jsonl`;
    mkdirSync(folder, { recursive: true });
    const text = `${written.lines.join("\n")}\n`;
    writeFileSync(join(folder, name), text);
    bytes += text.length;
    files += 1;
    calls += written.calls;
  }
  return { root, claudeHome, codexHome, files, bytes, calls };
}

interface Session {
  readonly lines: readonly string[];
  readonly calls: number;
}

function claudeSession(random: Random, session: string, start: number, size: number): Session {
  const log = { lines: [] as string[], bytes: 0 };
  const cwd = `/home/dev/src/project-${Math.floor(random() * 40)}`;
  const model = random() < 0.6 ? "claude-sonnet-4-5-20250929" : "claude-opus-4-1-20250805";
  let at = start;
  let calls = 0;
  let cached = 12_000;
  const envelope = (type: string): Record<string, unknown> => ({
    parentUuid: uuid(random),
    isSidechain: false,
    userType: "external",
    cwd,
    sessionId: session,
    version: "2.1.220",
    gitBranch: "main",
    type,
    uuid: uuid(random),
    timestamp: new Date(at).toISOString(),
  });
  const push = (row: Record<string, unknown>): void => {
    const line = JSON.stringify(row);
    log.lines.push(line);
    log.bytes += line.length + 1;
  };
  push({ ...envelope("user"), message: { role: "user", content: prose(random, 400) } });
  while (log.bytes < size) {
    at += Math.floor(3000 + random() * 20_000);
    const blocks = 1 + Math.floor(random() * 3);
    const texts = Array.from({ length: blocks }, () => prose(random, 80 + Math.floor(random() ** 3 * 4000)));
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    const growth = Math.floor(200 + random() * 4000);
    const usage = {
      input_tokens: Math.floor(random() * 40) + 1,
      cache_creation_input_tokens: growth,
      cache_read_input_tokens: cached,
      cache_creation: { ephemeral_5m_input_tokens: growth, ephemeral_1h_input_tokens: 0 },
      output_tokens: Math.ceil(characters / 3.4),
      service_tier: "standard",
    };
    cached = Math.min(cached + growth, 180_000);
    const id = `msg_01${letters(random, 22)}`;
    const requestId = `req_011C${letters(random, 20)}`;
    for (const [index, text] of texts.entries()) {
      const content =
        index === texts.length - 1 && random() < 0.7
          ? { type: "tool_use", id: `toolu_01${letters(random, 22)}`, name: "Bash", input: { command: text } }
          : { type: "text", text };
      push({
        ...envelope("assistant"),
        message: {
          model,
          id,
          type: "message",
          role: "assistant",
          content: [content],
          stop_reason: null,
          usage,
        },
        requestId,
      });
    }
    calls += 1;
    at += Math.floor(200 + random() * 3000);
    push({
      ...envelope("user"),
      message: {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: `toolu_01${letters(random, 22)}`,
            content: prose(random, 300 + Math.floor(random() ** 4 * 30_000)),
          },
        ],
      },
    });
  }
  return { lines: log.lines, calls };
}

function codexSession(random: Random, session: string, start: number, size: number): Session {
  const log = { lines: [] as string[], bytes: 0 };
  let at = start;
  let calls = 0;
  let previous = 9000;
  const total = {
    input_tokens: 0,
    cached_input_tokens: 0,
    output_tokens: 0,
    reasoning_output_tokens: 0,
    total_tokens: 0,
  };
  const push = (type: string, payload: Record<string, unknown>): void => {
    const line = JSON.stringify({ timestamp: new Date(at).toISOString(), type, payload });
    log.lines.push(line);
    log.bytes += line.length + 1;
  };
  push("session_meta", {
    id: session,
    timestamp: new Date(at).toISOString(),
    cwd: `/home/dev/src/project-${Math.floor(random() * 40)}`,
    originator: "codex_cli_rs",
    cli_version: "0.150.0",
    source: "cli",
    model_provider: "openai",
    instructions: prose(random, 12_000),
  });
  push("turn_context", {
    cwd: "/home/dev/src",
    approval_policy: "on-request",
    model: "gpt-5.1-codex",
    effort: "high",
  });
  while (log.bytes < size) {
    at += Math.floor(3000 + random() * 20_000);
    const text = prose(random, 120 + Math.floor(random() ** 3 * 4000));
    push("response_item", { type: "message", role: "assistant", content: [{ type: "output_text", text }] });
    const input = previous + Math.floor(100 + random() * 3000);
    const last = {
      input_tokens: input,
      cached_input_tokens: previous,
      output_tokens: Math.ceil(text.length / 3.4),
      reasoning_output_tokens: Math.floor(random() * 20),
      total_tokens: input + Math.ceil(text.length / 3.4),
    };
    previous = Math.min(input, 150_000);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += last[key];
    const info = { total_token_usage: { ...total }, last_token_usage: last, model_context_window: 272_000 };
    push("event_msg", { type: "token_count", info, rate_limits: null });
    calls += 1;
    push("response_item", {
      type: "function_call_output",
      call_id: `call_${letters(random, 24)}`,
      output: prose(random, 300 + Math.floor(random() ** 4 * 30_000)),
    });
  }
  return { lines: log.lines, calls };
}

type Random = () => number;

/** The published profile of a developer's log folder: half the files below 105 KB, a tenth above 650 KB, few of many MB. */
function fileSize(random: Random): number {
  const at = random();
  const points = [
    [0, 4000],
    [0.5, 105_000],
    [0.75, 234_000],
    [0.9, 654_000],
    [0.95, 1_500_000],
    [0.99, 5_400_000],
    [1, 30_000_000],
  ] as const;
  const upper = points.findIndex(([share]) => share >= at);
  const [lowShare, low] = points[Math.max(0, upper - 1)] ?? points[0];
  const [highShare, high] = points[Math.max(1, upper)] ?? points[1];
  return Math.round(low * (high / low) ** ((at - lowShare) / (highShare - lowShare)));
}

const words =
  "the of a parser returns value reason file offset cursor test error when and line buffer read write call token price model session project ledger".split(
    " ",
  );

function prose(random: Random, length: number): string {
  let text = "";
  while (text.length < length) {
    text += words[Math.floor(random() * words.length)];
    text += random() < 0.06 ? '",\n  ' : " ";
  }
  return text;
}

function letters(random: Random, length: number): string {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghijkmnopqrstuvwxyz";
  let text = "";
  for (let index = 0; index < length; index += 1) text += alphabet[Math.floor(random() * alphabet.length)];
  return text;
}

function uuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** mulberry32. */
function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
