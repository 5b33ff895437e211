import * as v from "valibot";
import { reasonOf } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";
import { agentPolicy } from "@flowstate/shared/wire/agent-policy";
import { ask, readText } from "../relay/ask.ts";
import type { KeptPolicy } from "./kept.ts";

export interface QuestionOptions {
  readonly controlPlane: URL;
  /** `Basic …` of the person's e-mail and the organisation's key. */
  readonly credential: Secret;
}

const answerMs = 70_000;
/** A thousand rules with their phrases take a tenth of it. */
export const mostPolicyBytes = 16 << 20;

type Answer =
  | { readonly kind: "news"; readonly kept: KeptPolicy }
  | { readonly kind: "same" }
  | { readonly kind: "problem"; readonly reason: string };

/**
 * Asks the control plane once what to do, and waits there at most so many seconds for something newer than `etag`
 * (`Prefer: wait`, RFC 7240). Never rejects.
 */
export async function askPolicy(
  { controlPlane, credential }: QuestionOptions,
  etag: string | null,
  wait: number,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const answer = await ask(new URL("/ingest/v1/policy", controlPlane), {
      headers: {
        authorization: credential.reveal(),
        ...(wait === 0 ? {} : { prefer: `wait=${wait}` }),
        ...(etag === null ? {} : { "if-none-match": etag }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    });
    const text = await readText(answer, mostPolicyBytes);
    const status = answer.statusCode ?? 0;
    if (status === 304) return { kind: "same" };
    if (status === 401 || status === 403) {
      return problem(`the control plane refuses the key or the e-mail (${status})`);
    }
    if (status !== 200) return problem(`the control plane answers ${status}`);
    const policy = v.safeParse(agentPolicy, JSON.parse(text));
    const tag = answer.headers.etag;
    if (!policy.success || tag === undefined) return problem("the control plane's policy is not understood");
    return { kind: "news", kept: { etag: tag, policy: policy.output } };
  } catch (error) {
    return problem(`the control plane cannot be reached (${reasonOf(error)})`);
  }
}

function problem(reason: string): Answer {
  return { kind: "problem", reason };
}
