import { setFlagsFromString } from "node:v8";

/**
 * How Node is started for a command: with a small nursery, because a reader of logs makes much garbage that lives for a
 * moment. As in the first line of `bin/flowstate.js`.
 */
export const nodeFlags = ["--max-semi-space-size=1"] as const;

/**
 * How it is started for a daemon: besides without V8's second optimising compiler. Most of what an intercepted call takes
 * is in Node's own code: a call costs no more (`agent/bench/peers.ts`), an event comes some 0.01 ms later
 * (`intercept.ts`), and 5 MB are saved. As many more are because Node then leaves aside its own compiled code, which is
 * kept for V8's usual flags alone; that lengthens the start by 10 ms, which a daemon does once and a command each time.
 */
export const daemonFlags = [...nodeFlags, "--no-opt"] as const;

/** Leaves that compiler out from now on: 12 MB of a scan that has much to read, which costs it no time. */
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
