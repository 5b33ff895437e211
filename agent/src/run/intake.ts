import type { Logger } from "@flowstate/shared/log";
import type { FormatCount } from "../ledger/formats.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Sighting } from "../normalise/sighting.ts";

/** Takes what nobody will ever repeat: sightings of the wire, and how its answers were understood. */
export interface Intake {
  /** Never throws: what the ledger cannot take now is held until it can. */
  note(sighting: Sighting): void;
  /** Counts an answer by its format; kept with the next `settle`. */
  count(format: FormatCount): void;
  /** Tries again what is held. Throws what the ledger says. */
  settle(): void;
}

/** A few hours of one person's calls. */
const mostHeld = 10_000;

export function createIntake(ledger: Ledger, log: Logger, now: () => number): Intake {
  let held: Sighting[] = [];
  let formats = new Map<string, FormatCount>();
  return {
    note(sighting) {
      try {
        ledger.calls.note([sighting], now());
      } catch (error) {
        if (held.length === 0) log.error({ err: error }, "calls of the wire are held until they can be kept");
        if (held.length < mostHeld) held.push(sighting);
      }
    },
    count(format) {
      const key = `${format.tool} ${format.host}`;
      const { seen, blank } = formats.get(key) ?? { seen: 0, blank: 0 };
      formats.set(key, { ...format, seen: seen + format.seen, blank: blank + format.blank });
    },
    settle() {
      if (formats.size > 0) ledger.formats.add("intercept", [...formats.values()], now());
      formats = new Map();
      if (held.length === 0) return;
      ledger.calls.note(held, now());
      held = [];
    },
  };
}
