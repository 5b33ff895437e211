import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as v from "valibot";
import { reasonOf } from "@flowstate/shared/errors";
import type { Delivery } from "@flowstate/shared/outbox/deliver";
import type { OutboxBatch } from "@flowstate/shared/outbox/outbox";
import type { Secret } from "@flowstate/shared/secret";
import { ingestAnswer } from "@flowstate/shared/wire/call";
import { ask, readText } from "../relay/ask.ts";

export interface SenderOptions {
  readonly controlPlane: URL;
  /** `Basic …` of the person's e-mail and the organisation's key. */
  readonly credential: Secret;
  readonly now: () => number;
  readonly onRejected: (seq: number | null, reason: string) => void;
}

const compress = promisify(gzip);
const answerMs = 30_000;
const slowRetryMs = 15_000;
/** A batch of which every call is rejected takes a tenth of it. */
const mostBytes = 4 << 20;

/** Sends batches of calls. Never rejects. */
export function createCallSender({ controlPlane, credential, now, onRejected }: SenderOptions) {
  return async ({ source, batch, rows }: OutboxBatch, signal: AbortSignal): Promise<Delivery> => {
    const events = rows.map(({ seq, body }) => ({ ...(JSON.parse(body) as object), seq }));
    try {
      const answer = await ask(new URL("/ingest/v1/sessions", controlPlane), {
        method: "POST",
        headers: {
          authorization: credential.reveal(),
          "content-type": "application/json",
          "content-encoding": "gzip",
        },
        body: await compress(
          JSON.stringify({ source, batch, sentAt: new Date(now()).toISOString(), events }),
        ),
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
      });
      return readAnswer(answer.statusCode ?? 0, await readText(answer, mostBytes), onRejected);
    } catch (error) {
      return { kind: "retry", reason: `the control plane cannot be reached (${reasonOf(error)})` };
    }
  };
}

/** A refused credential keeps everything until it is mended; a refused call is named and let go. */
function readAnswer(status: number, text: string, onRejected: SenderOptions["onRejected"]): Delivery {
  if (status === 401 || status === 403) {
    const reason = `the control plane refuses the key or the e-mail (${status})`;
    return { kind: "retry", reason, afterMs: slowRetryMs };
  }
  if (status !== 200) return { kind: "retry", reason: `the control plane answers ${status}` };
  const answer = v.safeParse(ingestAnswer, parse(text));
  if (!answer.success) return { kind: "retry", reason: "the control plane's answer is not understood" };
  for (const { seq, reason } of answer.output.rejected) onRejected(seq, reason);
  return { kind: "done" };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
