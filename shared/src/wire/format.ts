import * as v from "valibot";
import { callEvent } from "./call.ts";
import { instant } from "./instant.ts";

/** How many answers of one format were met, and how many of them gave no usage. */
export interface FormatCounts {
  readonly seen: number;
  readonly blank: number;
}

/** Fewer answers without usage may be errors of their own. */
export const fewestBlank = 20;
/** Of all answers; more of them without usage are no chance any more. */
export const mostBlankShare = 0.05;

/** Whether a format is not understood any more: what a tool writes has changed, and calls of it may be missing. */
export function isDrifting({ seen, blank }: FormatCounts): boolean {
  return blank >= fewestBlank && blank > mostBlankShare * seen;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1_000_000_000_000));
/** No control characters: these texts are names, and they come from other programs. */
const textUpTo = (most: number) => v.pipe(v.string(), v.regex(/^[^\p{Cc}]+$/u), v.maxCodePoints(most));

/**
 * How far a device understands what one version of a tool writes, or what an API answers: a further kind of event beside
 * the calls of a session batch. The counts run on from the first answer, so a later telling takes the place of an earlier
 * one and none of them has to arrive. A control plane that does not know the kind rejects the event by its number.
 */
export const formatEvent = v.pipe(
  v.object({
    seq: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    kind: v.literal("format"),
    capture: callEvent.entries.capture,
    /** The tool whose log or telemetry it is; of answers read on the wire, the API that they are of. */
    tool: textUpTo(200),
    /** Null where the tool does not say, and of an API. */
    toolVersion: v.nullable(textUpTo(100)),
    /** Who answered; null of logs and telemetry. */
    host: v.nullable(textUpTo(255)),
    /** Another version may understand what this one does not: its counts begin anew. */
    agentVersion: textUpTo(100),
    seen: v.pipe(count, v.minValue(1)),
    blank: count,
    /** When the device read the first and the last of them. */
    firstAt: instant,
    occurredAt: instant,
  }),
  v.check(({ seen, blank }) => blank <= seen, "blank is more than seen"),
);

export type FormatEvent = v.InferOutput<typeof formatEvent>;
