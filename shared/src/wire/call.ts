import { z } from "zod";

const tokens = z.number().int().nonnegative().max(1_000_000_000_000).nullable();
const name = z.string().min(1).max(200);

/** Token counts of one call by class, each counted once: `input` excludes cache, `output` includes reasoning. Null: unknown. */
export const tokenCounts = z.object({
  input: tokens,
  output: tokens,
  cacheRead: tokens,
  cacheWrite5m: tokens,
  cacheWrite1h: tokens,
  reasoning: tokens,
});

/** One AI call as an agent reports it. A later report of the same call has a higher revision. */
export const callEvent = z.object({
  seq: z.number().int().nonnegative(),
  callId: z.string().min(1).max(200),
  /** Other names of the same call; calls that share a name are one call. */
  aliases: z.array(z.string().min(1).max(200)).max(16).default([]),
  revision: z.number().int().positive().default(1),
  sessionId: z.string().min(1).max(200),
  occurredAt: z.iso.datetime({ offset: true }),
  provider: name,
  host: z.string().max(255).nullable().default(null),
  tool: name,
  toolVersion: z.string().max(100).nullable().default(null),
  model: name.nullable(),
  tokens: tokenCounts,
  /** final: the vendor's last word; floor: at least this many; estimated: counted by us. */
  outputTrust: z.enum(["final", "floor", "estimated"]),
  /** US dollars as a decimal string; null where the model has no known price. */
  costUsd: z
    .string()
    .regex(/^\d{1,12}(?:\.\d{1,9})?$/)
    .nullable(),
  estimated: z.boolean(),
  estimateMethod: z.string().max(64).nullable().default(null),
  capture: z.enum(["session-log", "otlp", "intercept", "relay"]),
  status: z.number().int().min(0).max(999).nullable(),
  durationMs: z.number().int().nonnegative().nullable(),
  project: z.string().max(400).nullable().default(null),
  billing: z.enum(["metered", "plan", "byok", "free", "unknown"]).default("unknown"),
  serviceTier: z.string().max(64).nullable().default(null),
  parentCallId: z.string().max(200).nullable().default(null),
});

export const sessionBatch = z.object({
  /** The device: a UUID made once per installation. */
  source: z.uuid(),
  batch: z.uuid(),
  /** The device's clock as it sends, to measure its skew. */
  sentAt: z.iso.datetime({ offset: true }).optional(),
  events: z.array(z.unknown()).max(10_000),
});

/** The answer to both kinds of batch: a rejected row is named with its reason and must not be sent again. */
export const ingestAnswer = z.object({
  accepted: z.number().int().nonnegative(),
  duplicates: z.number().int().nonnegative(),
  rejected: z.array(z.object({ seq: z.number().int().nullable(), reason: z.string() })),
});

export type TokenCounts = z.infer<typeof tokenCounts>;
export type CallEvent = z.infer<typeof callEvent>;
export type SessionBatch = z.infer<typeof sessionBatch>;
export type IngestAnswer = z.infer<typeof ingestAnswer>;
