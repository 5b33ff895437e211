import type { Logger } from "@flowstate/shared/log";
import type { Ledger } from "../ledger/ledger.ts";
import type { Sighting } from "../normalise/sighting.ts";

/** Takes sightings that nobody will ever repeat, such as those of the wire. */
export interface Intake {
  /** Never throws: what the ledger cannot take now is held until it can. */
  note(sighting: Sighting): void;
  /** Tries again what is held. Throws what the ledger says. */
  settle(): void;
}

/** A few hours of one person's calls. */
const mostHeld = 10_000;

export function createIntake(ledger: Ledger, log: Logger, now: () => number): Intake {
  let held: Sighting[] = [];
  return {
    note(sighting) {
      try {
        ledger.calls.note([sighting], now());
      } catch (error) {
        if (held.length === 0) log.error({ err: error }, "calls of the wire are held until they can be kept");
        if (held.length < mostHeld) held.push(sighting);
      }
    },
    settle() {
      if (held.length === 0) return;
      ledger.calls.note(held, now());
      held = [];
    },
  };
}
