/**
 * How Node is started for the agent: a small nursery, and no second optimising compiler. A reader of logs makes much
 * garbage that lives for a moment, and most of what an intercepted call takes is in Node's own code: a call costs no more
 * (`agent/bench/peers.ts`), an event comes some 0.01 ms later (`intercept.ts`), and a daemon is 5 MB smaller. As in the
 * first line of `bin/flowstate.js`.
 */
export const nodeFlags = ["--max-semi-space-size=1", "--no-opt"] as const;

/**
 * How a daemon is to use glibc's memory (mallopt(3)): nothing kept apart for each of Node's threads, and what a burst
 * has taken goes back to the system. 6 MB of an idle agent; other systems' libraries ignore it.
 */
export const mallocSettings = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "16384",
  MALLOC_TRIM_THRESHOLD_: "65536",
} as const;
