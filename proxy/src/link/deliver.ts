import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as v from "valibot";
import type { Delivery } from "@flowstate/shared/outbox/deliver";
import type { OutboxBatch } from "@flowstate/shared/outbox/outbox";
import { newUuid } from "@flowstate/shared/ids";
import type { Secret } from "@flowstate/shared/secret";
import { ingestAnswer } from "@flowstate/shared/wire/call";
import type { MeterBatch } from "@flowstate/shared/wire/meter";
import { wireCapability } from "@flowstate/shared/wire/version";

export interface MeterSenderOptions {
  readonly controlPlane: URL;
  readonly token: Secret;
  readonly onRejected: (seq: number | null, reason: string) => void;
}

export interface MeterSender {
  /** Sends one batch of meter rows. Never rejects. */
  send(batch: OutboxBatch, signal: AbortSignal): Promise<Delivery>;
  /** Reports refused credentials in a batch of their own; null when there is nothing to report. */
  sendRefusals(source: string, take: () => MeterBatch["refusals"] | null, signal: AbortSignal): Promise<void>;
}

const compress = promisify(gzip);
const answerMs = 30_000;
const slowRetryMs = 15_000;

export function createMeterSender({ controlPlane, token, onRejected }: MeterSenderOptions): MeterSender {
  let unsent: MeterBatch | null = null;
  const post = async (batch: MeterBatch, signal: AbortSignal): Promise<Delivery> => {
    try {
      const answer = await fetch(new URL("/ingest/v1/meter", controlPlane), {
        method: "POST",
        headers: {
          authorization: `Bearer ${token.reveal()}`,
          "content-type": "application/json",
          "content-encoding": "gzip",
          "flowstate-capability": String(wireCapability),
        },
        body: await compress(JSON.stringify(batch)),
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
      });
      const text = await answer.text();
      return readAnswer(answer.status, text, onRejected);
    } catch (error) {
      return { kind: "retry", reason: (error as Error).message };
    }
  };
  return {
    send: ({ source, batch, rows }, signal) =>
      post(
        { source, batch, rows: rows.map(({ seq, body }) => ({ ...(JSON.parse(body) as object), seq })) },
        signal,
      ),
    async sendRefusals(source, take, signal) {
      const refusals = unsent === null ? take() : null;
      if (refusals !== null && refusals !== undefined)
        unsent = { source, batch: newUuid(), rows: [], refusals };
      if (unsent !== null && (await post(unsent, signal)).kind === "done") unsent = null;
    },
  };
}

/** A refused row is named and let go, for it will never be taken; a refused token keeps everything until it is mended. */
function readAnswer(status: number, text: string, onRejected: MeterSenderOptions["onRejected"]): Delivery {
  if (status === 401 || status === 403) {
    return {
      kind: "retry",
      reason: `the control plane refuses the enrolment token (${status})`,
      afterMs: slowRetryMs,
    };
  }
  if (status !== 200) return { kind: "retry", reason: `the control plane answers ${status}` };
  let answer;
  try {
    answer = v.safeParse(ingestAnswer, JSON.parse(text));
  } catch {
    return { kind: "retry", reason: "the control plane's answer is no JSON" };
  }
  if (!answer.success) return { kind: "retry", reason: "the control plane's answer is not understood" };
  for (const { seq, reason } of answer.output.rejected) onRejected(seq, reason);
  return { kind: "done" };
}
