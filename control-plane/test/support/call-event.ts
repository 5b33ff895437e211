import { randomUUID } from "node:crypto";
import { tokens } from "@flowstate/shared/tokens";
import type { CallEvent } from "@flowstate/shared/wire/call";

/** A call of its own session, as an agent reports it, but for what a test says of it. */
export function callEvent(change: Partial<CallEvent> = {}): CallEvent {
  const id = randomUUID();
  return {
    seq: 1,
    callId: id,
    aliases: [],
    revision: 1,
    sessionId: `s-${id}`,
    occurredAt: "2026-11-20T08:00:00.000Z",
    provider: "anthropic",
    host: null,
    tool: "claude-code",
    toolVersion: null,
    model: "claude-sonnet-4-5",
    tokens: tokens({ input: 100, output: 10 }),
    outputTrust: "final",
    costUsd: "0.5",
    estimated: false,
    estimateMethod: null,
    capture: "session-log",
    status: 200,
    durationMs: 5,
    project: null,
    billing: "unknown",
    serviceTier: null,
    parentCallId: null,
    ...change,
  };
}
