import { createRecordCursor, readRecords, recordTypes, type RecordCursor } from "./tls-records.ts";

/**
 * Counts requests inside a tunnel that nobody can read, by turn-taking: what the client sends until the server answers
 * is one request. Exact on HTTP/1.1; on HTTP/2 streams that overlap are one turn, and small GETs are too small to see.
 * Record sizes tell much about what they carry (arXiv 2511.03675), so none is kept: the state is these numbers and
 * does not grow.
 */
export interface Turns {
  readonly client: RecordCursor;
  readonly server: RecordCursor;
  /** Application bytes of the client since the server last answered. */
  flightBytes: number;
  requests: number;
  /** The next application record of the client may be its TLS 1.3 Finished. */
  awaitsFinished: boolean;
  /** Both directions have been TLS so far. */
  readable: boolean;
}

/** Every AI call is a POST with a head and a body; less is control frames and closing alerts. */
const leastRequestBytes = 100;
/** WINDOW_UPDATE, SETTINGS and PING acknowledgements and `100 Continue` come in the middle of an upload and answer nothing. */
const leastAnswerBytes = 36;
/** Content type and tag of a TLS 1.3 record; 1.2 has up to 24, which shifts the thresholds by a few bytes. */
const recordOverhead = 17;
/** Handshake header and verify data of a Finished, SHA-256 and SHA-384. */
const finishedBytes = new Set([36, 52]);

export function createTurns(): Turns {
  return {
    client: createRecordCursor(),
    server: createRecordCursor(),
    flightBytes: 0,
    requests: 0,
    awaitsFinished: true,
    readable: true,
  };
}

/** Takes what the client sent on, or the server answered. Never throws. */
export function readClientBytes(turns: Turns, bytes: Uint8Array): void {
  turns.readable &&= readRecords(turns.client, bytes, onClientRecord, turns);
}

export function readServerBytes(turns: Turns, bytes: Uint8Array): void {
  turns.readable &&= readRecords(turns.server, bytes, onServerRecord, turns);
}

function onClientRecord(turns: Turns, type: number, length: number): void {
  if (type !== recordTypes.applicationData) return;
  const bytes = Math.max(0, length - recordOverhead);
  const finished = turns.awaitsFinished && finishedBytes.has(bytes);
  turns.awaitsFinished = false;
  if (!finished) turns.flightBytes += bytes;
}

function onServerRecord(turns: Turns, type: number, length: number): void {
  if (type !== recordTypes.applicationData || length - recordOverhead < leastAnswerBytes) return;
  if (turns.flightBytes >= leastRequestBytes) turns.requests += 1;
  turns.flightBytes = 0;
}
