/**
 * Claude Code's transcripts: one row per content block, each repeating the usage of the whole answer. Its output count
 * is often the placeholder known when the answer began, so rows carry the evidence that `merge.ts` weighs: the smallest
 * count, the one beside a stop reason, and what the visible content amounts to.
 */
import { readCount, tokens, totalTokens, type TokenCounts } from "@flowstate/shared/tokens";
import { estimateTokens } from "../../normalise/estimate.ts";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { fields, id, instant, items, name, parseFields, path, type Fields } from "./json.ts";
import type { LineReader, Skim } from "./reader.ts";

export const claudeCode: LineReader = {
  kind: "lines",
  tool: "claude-code",
  marks: ['_tokens"'],
  answers: {
    mark: 'role":"assistant"',
    isAnswer: (row) =>
      row["type"] === "assistant" &&
      row["isApiErrorMessage"] !== true &&
      fields(row["message"])["model"] !== "<synthetic>",
  },
  versionOf: (row) => name(row["version"]),
  skim,
  start: () => ({}),
  read: readRow,
};

/** Letters a token in ordinary text: a block within them says nothing against the reported count. */
const usualLetters = 4;

const contentStart = Buffer.from(',"content":[');
const contentEnd = Buffer.from('],"stop_reason":');

const requestStart = Buffer.from(',"requestId":"');
const quote = 34;
/** Counts and request of an answer take some 400 bytes; longer ones are read each time. */
const longestAccount = 2048;
/** What is left of a row without its content takes some 800 bytes; a longer one is read whole. */
const longestRest = 8192;

/**
 * Content is most of a row, and says nothing where it is short for the reported output. A quotation mark inside a text is
 * escaped, so what is found here is structure; and where it is not the end of this very list that is found, what is left
 * has more closing brackets than opening ones and is no JSON.
 *
 * The rows of an answer hold one block of its content each and the same account of it, from the end of the content to
 * the request's id. What follows the id has one length in all of them, so a repeated account is looked for in one place.
 */
function skim(): Skim {
  const account = Buffer.allocUnsafe(longestAccount);
  const rest = Buffer.allocUnsafe(longestRest);
  let length = 0;
  let toLineEnd = 0;
  let mostBefore = 0;
  /** Of the line that was looked at last: where its account begins, and what may stand before a repetition of it. */
  let seen: { readonly from: number; readonly end: number; readonly mostBefore: number } | null = null;
  return {
    isRepetition(buffer, start, end) {
      const at = end - toLineEnd;
      const isThere = length > 0 && at > start && at - start <= mostBefore;
      return isThere && buffer.compare(account, 0, length, at, at + length) === 0;
    },
    brief(buffer, start, end) {
      length = 0;
      seen = null;
      const from = buffer.indexOf(contentStart, start) + contentStart.length;
      if (from < start + contentStart.length || from >= end) return null;
      const to = buffer.indexOf(contentEnd, from);
      if (to < 0 || to >= end) return null;
      const size = from - start + end - to;
      if (size > longestRest) return null;
      buffer.copy(rest, buffer.copy(rest, 0, start, from), to, end);
      const row = parseFields(rest.toString("utf8", 0, size));
      if (row === null) return null;
      const output = readCount(fields(fields(row["message"])["usage"])["output_tokens"]) ?? 0;
      if (to - from > output * usualLetters) return null;
      seen = { from: to, end, mostBefore: from - start + output * usualLetters };
      return row;
    },
    note(buffer) {
      if (seen === null) return;
      const request = buffer.indexOf(requestStart, seen.from) + requestStart.length;
      const to = request < seen.from + requestStart.length ? -1 : buffer.indexOf(quote, request);
      if (to < 0 || to >= seen.end || to - seen.from > longestAccount) return;
      length = buffer.copy(account, 0, seen.from, to);
      toLineEnd = seen.end - seen.from;
      ({ mostBefore } = seen);
    },
  };
}

function readRow(row: Fields): readonly Sighting[] {
  const nested = fields(fields(row["data"])["message"]);
  const envelope = "message" in nested ? nested : row;
  const message = fields(envelope["message"]);
  const usage = fields(message["usage"]);
  const occurredAt = instant(envelope["timestamp"]) ?? instant(row["timestamp"]);
  const model = name(message["model"]);
  const callId = id(message["id"]) ?? unnamed(row);
  if (!("usage" in message) || occurredAt === null || callId === null) return [];
  if (model === "<synthetic>" || row["isApiErrorMessage"] === true) return [];

  const counts = readUsage(usage);
  const requestId = id(envelope["requestId"]) ?? id(row["requestId"]);
  const call = logSighting({
    callId,
    aliases: requestId === null ? [] : [requestId],
    tool: "claude-code",
    toolVersion: name(row["version"]),
    provider: providerOf(callId),
    model,
    place: {
      occurredAt,
      sidechain: row["isSidechain"] === true,
      sessionId: name(row["sessionId"]),
      cwd: path(row["cwd"]),
    },
    tokens: counts,
    evidence: {
      declared: "floor",
      least: counts.output,
      stopped: name(message["stop_reason"]) === null ? null : counts.output,
      blocks: readBlocks(message["content"], counts.output ?? 0),
    },
    terms: {
      serviceTier: name(usage["service_tier"]),
      speed: name(usage["speed"]),
      inferenceGeo: name(usage["inference_geo"]),
      modality: null,
    },
  });
  const advisors = usage["iterations"] === undefined ? [] : readAdvisors(usage["iterations"], call);
  return advisors.length === 0 ? [call] : [call, ...advisors];
}

/** A row without a message id is at least itself. */
function unnamed(row: Fields): string | null {
  const uuid = id(row["uuid"]);
  return uuid === null ? null : `claude-code:${uuid}`;
}

/** A usage of zeros only is what proxies write before the answer: nothing is known yet. */
function readUsage(usage: Fields): TokenCounts {
  const split = fields(usage["cache_creation"]);
  const written = readCount(usage["cache_creation_input_tokens"]);
  const hour = readCount(split["ephemeral_1h_input_tokens"]);
  const five = readCount(split["ephemeral_5m_input_tokens"]);
  const isSplit = hour !== null && five !== null && (written === null || hour + five === written);
  const counts = {
    input: readCount(usage["input_tokens"]),
    output: readCount(usage["output_tokens"]),
    cacheRead: readCount(usage["cache_read_input_tokens"]),
    cacheWrite5m: isSplit ? five : written,
    cacheWrite1h: isSplit ? hour : written === null ? null : 0,
    reasoning: readCount(fields(usage["output_tokens_details"])["thinking_tokens"]),
  };
  const sum = (totalTokens(counts) ?? 0) + (counts.reasoning ?? 0);
  return sum === 0 ? tokens({}) : counts;
}

function readBlocks(content: unknown, reported: number): Readonly<Record<string, number>> | null {
  let blocks: Record<string, number> | null = null;
  for (const item of items(content)) {
    const block = fields(item);
    const text = textOf(block);
    if (text === null || text.length <= reported * usualLetters) continue;
    blocks ??= {};
    blocks[id(block["id"]) ?? `${String(name(block["type"]))}:${text.length}`] = estimateTokens(
      text,
      reported * 2,
    );
  }
  return blocks;
}

function textOf(block: Fields): string | null {
  const text = block["text"] ?? block["thinking"];
  if (typeof text === "string") return text;
  return block["type"] === "tool_use" ? JSON.stringify(block["input"] ?? {}) : null;
}

/** An advisor's tokens are not in the row's sums and are charged under the advisor's own model. */
function readAdvisors(iterations: unknown, call: Sighting): readonly Sighting[] {
  return items(iterations).flatMap((item, index) => {
    const iteration = fields(item);
    if (iteration["type"] !== "advisor_message") return [];
    return logSighting({
      callId: `${call.callId}:advisor:${index}`,
      tool: call.tool,
      toolVersion: call.toolVersion,
      provider: call.provider,
      model: name(iteration["model"]),
      place: { ...call.place, parentCallId: call.callId },
      tokens: readUsage(iteration),
      terms: call.terms,
    });
  });
}

function providerOf(id: string): string {
  if (id.startsWith("msg_bdrk_")) return "aws-bedrock";
  return id.startsWith("msg_vrtx_") ? "google-vertex" : "anthropic";
}
