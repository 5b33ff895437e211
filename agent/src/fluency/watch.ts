import type { Clock } from "@flowstate/shared/clock";
import type { Logger } from "@flowstate/shared/log";
import { minuteMs, untilNext } from "@flowstate/shared/time";
import type { AppraiseOptions } from "./appraise.ts";

export interface WatchOptions extends Omit<AppraiseOptions, "told"> {
  /** Keeps what was told; there is none while judging has never been on. */
  readonly file: string;
  /** Whether conversations are judged at present. */
  readonly isOn: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Judges conversations that have come to rest, while that is on, until `signal` aborts. */
export async function watchConversations(
  { file, isOn, clock, log, ...options }: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (isOn()) {
      // The rules are loaded where they judge, which is in few places.
      const [{ appraise }, { openTold }] = await Promise.all([import("./appraise.ts"), import("./told.ts")]);
      using told = openTold(file);
      const judged = await appraise({ ...options, told }, signal);
      if (judged > 0) log.debug({ judged }, "judged conversations");
    }
    await clock.sleep(untilNext(Math.min(minuteMs, Math.max(10, options.quietMs)), clock.now()), signal);
  }
}
