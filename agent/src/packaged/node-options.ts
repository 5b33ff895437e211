import { setFlagsFromString } from "node:v8";

/**
 * How Node is started for the agent: a small nursery, because a reader of logs makes much garbage that lives for a
 * moment. As in the first line of `bin/flowstate.js`.
 */
export const nodeFlags = ["--max-semi-space-size=1"] as const;

/**
 * Leaves V8's second optimising compiler out from now on. Most of what an intercepted call takes is in Node's own code: a
 * call costs no more (`agent/bench/peers.ts`), an event comes some 0.01 ms later (`intercept.ts`), a daemon is 5 MB
 * smaller and a scan 12 MB. As a flag of the start it would cost each start 10 ms: Node's own compiled code is kept for
 * V8's usual flags alone.
 */
export function keepOneCompiler(): void {
  setFlagsFromString("--no-opt");
}

/**
 * How a daemon is to use glibc's memory (mallopt(3)): nothing kept apart for each of Node's threads, and what a burst
 * has taken goes back to the system. 6 MB of an idle agent; other systems' libraries ignore it.
 */
export const mallocSettings = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "16384",
  MALLOC_TRIM_THRESHOLD_: "65536",
} as const;
