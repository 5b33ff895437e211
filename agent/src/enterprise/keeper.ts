import { existsSync } from "node:fs";
import type { Logger } from "@flowstate/shared/log";
import { hourMs } from "@flowstate/shared/time";
import type { AgentSettings } from "@flowstate/shared/wire/agent-policy";
import type { KeepWords } from "../observe/intercept/watch.ts";
import { captureFile, openCaptures, type CaptureLimits, type CaptureStore } from "./capture-store.ts";
import { keptCall, type KeptCall } from "./kept-call.ts";
import { seenTurns } from "./seen-turns.ts";

/** What the daemon says of the words it keeps. */
export interface KeeperStatus {
  readonly mode: AgentSettings["captureMode"];
  /** Calls whose words could not be kept yet, and those that never were, since the start. */
  readonly waiting: number;
  readonly lost: number;
  readonly retentionDays: number;
}

/** Keeps what is said in calls while the organisation's settings say enterprise, and at no other time. */
export interface Keeper extends Disposable {
  follow(mode: AgentSettings["captureMode"]): void;
  /** Null in telemetry mode. */
  keepWords(): KeepWords | null;
  /** Tries again what could not be kept, and removes what is past its retention. Throws what the store says. */
  settle(): void;
  status(): KeeperStatus;
}

export interface KeeperOptions {
  readonly dataFolder: string;
  readonly limits: CaptureLimits;
  /** Words could not be kept, and are to be settled soon. */
  readonly onWaiting?: () => void;
  readonly log: Logger;
  readonly now: () => number;
}

/** A busy hour of one person, and a few megabytes of memory. */
const mostWaiting = 200;
const mostWaitingCharacters = 8 << 20;
const expireEveryMs = hourMs;

export function createKeeper({ dataFolder, limits, onWaiting, log, now }: KeeperOptions): Keeper {
  let mode: AgentSettings["captureMode"] = "telemetry";
  let store: CaptureStore | null = null;
  let seen = seenTurns();
  let waiting: KeptCall[] = [];
  let lost = 0;
  let expiredAt: number | null = null;
  const opened = (): CaptureStore => (store ??= openCaptures(dataFolder, limits));
  const forget = (): void => {
    waiting = [];
    seen = seenTurns();
  };
  const write = (): void => {
    if (waiting.length === 0) return;
    opened().append(waiting, now());
    waiting = [];
  };
  const keep: KeepWords = (call) => {
    const wasWaiting = waiting.length > 0;
    try {
      const kept = keptCall(call, seen);
      if (kept === null) return;
      waiting.push(kept);
      // A store that refused before is tried again by `settle`, not by every call.
      if (!wasWaiting) write();
    } catch (error) {
      log.error({ err: error }, "what was said in calls waits until it can be kept");
      onWaiting?.();
    }
    if (waiting.length <= mostWaiting && charactersOf(waiting) <= mostWaitingCharacters) return;
    lost += waiting.length;
    // What is lost was not kept: a later call of the same conversation brings it again.
    forget();
  };
  return {
    follow(next) {
      if (next === mode) return;
      mode = next;
      if (mode === "telemetry") forget();
      log.info(
        { captureMode: mode },
        mode === "enterprise"
          ? "prompts and answers of intercepted calls are kept on this device"
          : "prompts and answers are no longer kept",
      );
    },
    keepWords: () => (mode === "enterprise" ? keep : null),
    settle() {
      write();
      const isDue = expiredAt === null || Math.abs(now() - expiredAt) >= expireEveryMs;
      if (!isDue || !existsSync(captureFile(dataFolder))) return;
      opened().expire(now());
      expiredAt = now();
    },
    status: () => ({ mode, waiting: waiting.length, lost, retentionDays: limits.retentionDays }),
    [Symbol.dispose]: () => store?.[Symbol.dispose](),
  };
}

function charactersOf(calls: readonly KeptCall[]): number {
  return calls.reduce(
    (sum, { summary: { promptCharacters, answerCharacters } }) => sum + promptCharacters + answerCharacters,
    0,
  );
}
