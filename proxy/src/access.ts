import type { AccessRecord, Events } from "./events.ts";
import type { Clock } from "@flowstate/shared/clock";

type Fields = Partial<AccessRecord> & Pick<AccessRecord, "status" | "outcome">;

/** Begins the one log line of a tunnel or request; the function that it returns writes it. */
export function startRecord(
  { events, clock }: { readonly events: Events; readonly clock: Clock },
  known: Pick<AccessRecord, "method" | "client" | "target">,
): (fields: Fields) => void {
  const startedAt = clock.now();
  return (fields) => events.access({ ...nobody, ...known, durationMs: clock.now() - startedAt, ...fields });
}

const nobody = { orgId: null, keyId: null, subject: null, reason: null };
