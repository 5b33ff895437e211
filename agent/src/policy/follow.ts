import * as v from "valibot";
import { backoffMs, type Clock } from "@flowstate/shared/clock";
import { reasonOf } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";
import { agentPolicy } from "@flowstate/shared/wire/agent-policy";
import { ask, readText } from "../relay/ask.ts";
import type { KeptPolicy } from "./kept.ts";

export interface FollowOptions {
  readonly controlPlane: URL;
  /** `Basic …` of the person's e-mail and the organisation's key. */
  readonly credential: Secret;
  readonly clock: Clock;
  /** What is known at the start. */
  readonly kept: KeptPolicy | null;
  /** Something new. */
  readonly onPolicy: (kept: KeptPolicy) => void;
  /** The control plane was heard, with news or without. */
  readonly onHeard: () => void;
  readonly onProblem: (reason: string) => void;
}

/** As long as proxies on the way take for a connection that is in use. */
const waitSeconds = 50;
const answerMs = 70_000;
/** A control plane that answers without waiting is asked no more often than this. */
const leastMs = 1000;
const pollMs = 30_000;
const longestRetryMs = 300_000;
/** A thousand rules with their phrases take a tenth of it. */
const mostBytes = 16 << 20;

type Answer =
  | { readonly kind: "news"; readonly kept: KeptPolicy }
  | { readonly kind: "same" }
  | { readonly kind: "problem"; readonly reason: string };

/**
 * Asks the control plane what to do and waits there for news until `signal` aborts (`Prefer: wait`, RFC 7240). While it
 * cannot be reached the last answer holds.
 */
export async function followPolicy(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { clock, onPolicy, onHeard, onProblem } = options;
  let etag = options.kept?.etag ?? null;
  let failures = 0;
  while (!signal.aborted) {
    const askedAt = clock.now();
    // After a failure a quick answer first: only then is it known that somebody answers.
    const answer = await askPolicy(options, etag, failures === 0 ? waitSeconds : 0, signal);
    if (signal.aborted) return;
    if (answer.kind === "problem") {
      onProblem(answer.reason);
      failures += 1;
      await clock.sleep(backoffMs(failures, { baseMs: leastMs, maxMs: longestRetryMs }), signal);
      continue;
    }
    const isBack = failures > 0;
    failures = 0;
    onHeard();
    if (answer.kind === "news") {
      etag = answer.kept.etag;
      onPolicy(answer.kept);
    }
    const tookMs = clock.now() - askedAt;
    const isHasty = answer.kind === "same" && tookMs < leastMs && !isBack;
    const restMs = isHasty ? pollMs : leastMs - tookMs;
    if (restMs > 0) await clock.sleep(restMs, signal);
  }
}

/** Asks once, and waits at most so many seconds for something newer than `etag`. Never rejects. */
export async function askPolicy(
  { controlPlane, credential }: Pick<FollowOptions, "controlPlane" | "credential">,
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
    const text = await readText(answer, mostBytes);
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
