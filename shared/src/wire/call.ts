import * as v from "valibot";
import { instant } from "./instant.ts";
import { listOf } from "./list.ts";
import { uuid } from "./uuid.ts";

const whole = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(whole, v.minValue(0));
const tokens = v.nullable(v.pipe(count, v.maxValue(1_000_000_000_000)));
const name = v.pipe(v.string(), v.minCodePoints(1), v.maxCodePoints(200));
/** Null where it is left out. */
const textUpTo = (most: number) => v.optional(v.nullable(v.pipe(v.string(), v.maxCodePoints(most))), null);

/** Token counts of one call by class, each counted once: `input` excludes cache, `output` includes reasoning. Null: unknown. */
export const tokenCounts = v.object({
  input: tokens,
  output: tokens,
  cacheRead: tokens,
  cacheWrite5m: tokens,
  cacheWrite1h: tokens,
  reasoning: tokens,
});

/** One AI call as an agent reports it. A later report of the same call has a higher revision. */
export const callEvent = v.object({
  seq: count,
  callId: name,
  /** Other names of the same call; calls that share a name are one call. */
  aliases: v.optional(listOf(name, 16), []),
  revision: v.optional(v.pipe(whole, v.minValue(1)), 1),
  sessionId: name,
  occurredAt: instant,
  provider: name,
  host: textUpTo(255),
  tool: name,
  toolVersion: textUpTo(100),
  model: v.nullable(name),
  tokens: tokenCounts,
  /** final: the vendor's last word; floor: at least this many; estimated: counted by us. */
  outputTrust: v.picklist(["final", "floor", "estimated"]),
  /** US dollars as a decimal string; null where the model has no known price. */
  costUsd: v.nullable(v.pipe(v.string(), v.regex(/^\d{1,12}(?:\.\d{1,9})?$/))),
  estimated: v.boolean(),
  estimateMethod: textUpTo(64),
  capture: v.picklist(["session-log", "otlp", "intercept", "relay"]),
  status: v.nullable(v.pipe(count, v.maxValue(999))),
  durationMs: v.nullable(count),
  project: textUpTo(400),
  billing: v.optional(v.picklist(["metered", "plan", "byok", "free", "unknown"]), "unknown"),
  serviceTier: textUpTo(64),
  parentCallId: textUpTo(200),
});

export const sessionBatch = v.object({
  /** The device: a UUID made once per installation. */
  source: uuid,
  batch: uuid,
  /** The device's clock as it sends, to measure its skew. */
  sentAt: v.optional(instant),
  events: listOf(v.unknown(), 10_000),
});

/** The answer to both kinds of batch: a rejected row is named with its reason and must not be sent again. */
export const ingestAnswer = v.object({
  accepted: count,
  duplicates: count,
  rejected: v.array(v.object({ seq: v.nullable(whole), reason: v.string() })),
});

export type TokenCounts = v.InferOutput<typeof tokenCounts>;
export type CallEvent = v.InferOutput<typeof callEvent>;
export type SessionBatch = v.InferOutput<typeof sessionBatch>;
export type IngestAnswer = v.InferOutput<typeof ingestAnswer>;
