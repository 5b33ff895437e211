import type { SealedFor } from "../../secrets/seal.ts";

/** Whose the sealed secrets of a destination are. */
export function destinationOwner(orgId: string, destinationId: string): SealedFor {
  return { orgId, record: `signal_destinations/${destinationId}` };
}
