import { z } from "zod";
import { callEvent } from "./call.ts";

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

const count = z.number().int().nonnegative().max(1_000_000_000_000);
const instant = z.iso.datetime({ offset: true });
/** No control characters: these texts are names, and they come from other programs. */
const text = z.string().regex(/^[^\p{Cc}]+$/u);

/**
 * How far a device understands what one version of a tool writes, or what an API answers: a further kind of event beside
 * the calls of a session batch. The counts run on from the first answer, so a later telling takes the place of an earlier
 * one and none of them has to arrive. A control plane that does not know the kind rejects the event by its number.
 */
export const formatEvent = z
  .object({
    seq: z.number().int().nonnegative(),
    kind: z.literal("format"),
    capture: callEvent.shape.capture,
    /** The tool whose log or telemetry it is; of answers read on the wire, the API that they are of. */
    tool: text.max(200),
    /** Null where the tool does not say, and of an API. */
    toolVersion: text.max(100).nullable(),
    /** Who answered; null of logs and telemetry. */
    host: text.max(255).nullable(),
    /** Another version may understand what this one does not: its counts begin anew. */
    agentVersion: text.max(100),
    seen: count.min(1),
    blank: count,
    /** When the device read the first and the last of them. */
    firstAt: instant,
    occurredAt: instant,
  })
  .refine(({ seen, blank }) => blank <= seen, "blank is more than seen");

export type FormatEvent = z.infer<typeof formatEvent>;
