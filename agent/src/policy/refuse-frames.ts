import { randomUUID } from "node:crypto";
import { refusalAnswer, type Refused, type RefusedCall } from "./refuse.ts";

const textFrame = 0x81;
const closeFrame = 0x88;
/** RFC 6455 section 7.4.1: a message that violates a policy. */
const policyViolation = 1008;
const mostReasonBytes = 123;

/**
 * Says no inside of an open WebSocket: the error that the API itself would send, with the status that it has over HTTP,
 * and the end of the connection. Gemini has no such message, so that the words stand in the end alone.
 */
export function refusalFrames(call: RefusedCall, refused: Refused): Buffer {
  const reason = Buffer.alloc(2);
  reason.writeUInt16BE(policyViolation);
  const close = frame(closeFrame, Buffer.concat([reason, cut(refused.message, mostReasonBytes)]));
  if (call.family !== "openai") return close;
  const { status, body } = refusalAnswer(call, refused);
  const { error } = JSON.parse(body) as { readonly error: unknown };
  const event = { type: "error", status, error, event_id: `event_${randomUUID().replaceAll("-", "")}` };
  return Buffer.concat([frame(textFrame, Buffer.from(JSON.stringify(event))), close]);
}

/** A whole frame of a server, which masks nothing. */
function frame(head: number, payload: Buffer): Buffer {
  const size = payload.length;
  const isShort = size < 126;
  const start = Buffer.alloc(isShort ? 2 : 4);
  start[0] = head;
  start[1] = isShort ? size : 126;
  if (!isShort) start.writeUInt16BE(size, 2);
  return Buffer.concat([start, payload]);
}

/** The beginning of a text, in whole characters. */
function cut(text: string, mostBytes: number): Buffer {
  const bytes = Buffer.from(text);
  let end = Math.min(bytes.length, mostBytes);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
