import { setTimeout as delay } from "node:timers/promises";

/**
 * The first truthy answer of `probe`, asked again every few milliseconds, for facts that announce themselves by no
 * event. Fails loudly after `deadlineMs`. For tests.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  deadlineMs = 60_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`gave up after ${deadlineMs} ms waiting for ${what}`);
    await delay(20);
  }
}
