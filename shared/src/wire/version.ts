/**
 * The capability number that proxies and agents send as `Flowstate-Capability`. Grows by one with each change of the
 * wire; older programs keep working, because every change is an addition.
 *
 * 1 (2026-11): meter rows, session events, what conversations show, key snapshot and its stream, the policy of an agent
 *   and what it met, how far formats are understood, releases of the agent and which one a device runs.
 */
export const wireCapability = 1;
