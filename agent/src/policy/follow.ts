import { backoffMs, type Clock } from "@flowstate/shared/clock";
import type { KeptPolicy } from "./kept.ts";
import { askPolicy, type QuestionOptions } from "./question.ts";
import { streamPolicy, type StreamOptions } from "./stream.ts";

export interface FollowOptions extends QuestionOptions {
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
/** A control plane that answers without waiting is asked no more often than this. */
const leastMs = 1000;
const pollMs = 30_000;
const longestRetryMs = 300_000;
/** A stream that lasted so long is no stream that something on the way breaks off. */
const steadyMs = 60_000;
const longestStreamRetryMs = 900_000;

/**
 * Asks the control plane what to do and follows its stream of news, until `signal` aborts. Where no stream comes
 * through, a question waits there for the news. While nothing is heard the last answer holds.
 */
export async function followPolicy(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { clock, onHeard, onProblem } = options;
  let etag = options.kept?.etag ?? null;
  const onPolicy = (news: KeptPolicy): void => {
    if (news.etag === etag) return;
    etag = news.etag;
    options.onPolicy(news);
  };
  await using streams = createStreams({ ...options, onPolicy }, signal);
  let failures = 0;
  // At first, and after a failure, a quick answer: only then is it known that somebody answers.
  let isHeard = false;
  /** Asks once, and rests as long as the next question is not due, or until `patience` aborts. */
  const ask = async (patience: AbortSignal): Promise<void> => {
    const askedAt = clock.now();
    const answer = await askPolicy(options, etag, isHeard ? waitSeconds : 0, patience);
    if (patience.aborted) return;
    if (answer.kind === "problem") {
      onProblem(answer.reason);
      isHeard = false;
      failures += 1;
      await clock.sleep(backoffMs(failures, { baseMs: leastMs, maxMs: longestRetryMs }), patience);
      return;
    }
    onHeard();
    if (answer.kind === "news") onPolicy(answer.kept);
    const tookMs = clock.now() - askedAt;
    const isHasty = answer.kind === "same" && isHeard && tookMs < leastMs;
    isHeard = true;
    failures = 0;
    const restMs = isHasty ? pollMs : leastMs - tookMs;
    if (restMs > 0) await clock.sleep(restMs, patience);
  };
  while (!signal.aborted) {
    const stream = isHeard ? streams.current(etag) : null;
    if (stream === null) {
      await ask(signal);
      continue;
    }
    // It mostly opens at once, and then there is nothing to ask: it brings whatever a question would.
    await clock.sleep(leastMs, AbortSignal.any([signal, stream.settled]));
    if (!stream.opened.aborted) await ask(AbortSignal.any([signal, stream.opened]));
    if (!stream.opened.aborted) continue;
    await stream.ended;
    isHeard = false;
    // Streams of all agents end together, and are not to be asked for together.
    await clock.sleep(backoffMs(1, { baseMs: leastMs }), signal);
  }
}

/** A stream from the first try to open it to its end. */
interface Stream {
  /** Aborts when it is open. */
  readonly opened: AbortSignal;
  /** Aborts when it is open, or will not be. */
  readonly settled: AbortSignal;
  readonly ended: Promise<void>;
}

/** One stream at a time; after one that failed the next is tried later and later. Disposing ends the one that runs. */
function createStreams(options: Omit<StreamOptions, "etag" | "onOpen">, signal: AbortSignal) {
  const { clock } = options;
  const stopping = new AbortController();
  const ending = AbortSignal.any([signal, stopping.signal]);
  let running: Stream | null = null;
  let failures = 0;
  let nextAt = clock.now();
  const start = (etag: string | null): Stream => {
    const opened = new AbortController();
    const over = new AbortController();
    const startedAt = clock.now();
    const note = (): void => {
      const isSteady = opened.signal.aborted && clock.now() - startedAt > steadyMs;
      failures = isSteady ? 0 : failures + 1;
      const restMs = isSteady ? 0 : backoffMs(failures, { baseMs: leastMs, maxMs: longestStreamRetryMs });
      nextAt = clock.now() + restMs;
      running = null;
      over.abort();
    };
    const ended = streamPolicy({ ...options, etag, onOpen: () => opened.abort() }, ending).finally(note);
    // It may fail while nobody waits for it.
    ended.catch(() => undefined);
    return { opened: opened.signal, settled: AbortSignal.any([opened.signal, over.signal]), ended };
  };
  return {
    /** The stream that is open or being tried, or one tried now where it is time for it. */
    current(etag: string | null): Stream | null {
      if (running === null && clock.now() >= nextAt) running = start(etag);
      return running;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stopping.abort();
      await running?.ended.catch(() => undefined);
    },
  };
}
