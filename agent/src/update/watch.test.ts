import test from "ava";
import type { Clock } from "@flowstate/shared/clock";
import { createLogger } from "@flowstate/shared/log";
import { generateReleaseKey, parseReleaseKey } from "@flowstate/shared/release-signature";
import { Secret } from "@flowstate/shared/secret";
import { hourMs } from "@flowstate/shared/time";
import type { AgentEvent } from "@flowstate/shared/wire/release";
import { startReleaseDesk, type ReleaseDesk } from "../../test/support/releases.ts";
import { thisPlatform } from "./offers.ts";
import { renderUpdate } from "./render.ts";
import { createUpdateWatch } from "./watch.ts";

const pair = generateReleaseKey();
const start = Date.parse("2026-11-20T10:00:00Z");

/** A watch whose time passes by hand: `rest` resolves once it sleeps, with how long it means to. */
function watchOf(
  desk: ReleaseDesk,
  { isHeard = true, key = pair.publicKey }: { readonly isHeard?: boolean; readonly key?: string | null } = {},
) {
  let now = start;
  let sleeping = Promise.withResolvers<number>();
  let wake = (): void => undefined;
  const clock: Clock = {
    now: () => now,
    async sleep(ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = () => {
        now += ms;
        resolve();
      };
      signal?.addEventListener("abort", () => resolve(), { once: true });
      if (signal?.aborted === true) resolve();
      sleeping.resolve(ms);
      await promise;
    },
  };
  const told: Omit<AgentEvent, "seq">[] = [];
  const parsed = key === null ? null : parseReleaseKey(key);
  const watch = createUpdateWatch({
    controlPlane: desk.url,
    credential: new Secret("Basic eDp5"),
    clock,
    log: createLogger("agent", "silent"),
    version: "1.0.0",
    platform: thisPlatform,
    installsItself: true,
    settings: () => (isHeard ? desk.settings : null),
    key: () => (parsed?.ok === true ? parsed.value : null),
    failed: () => new Set(),
    tell: (event) => void told.push(event),
    random: () => 0.5,
  });
  const stop = new AbortController();
  const done = watch.follow(stop.signal);
  const rest = async (): Promise<number> => {
    const ms = await sleeping.promise;
    sleeping = Promise.withResolvers();
    return ms;
  };
  return {
    ...watch,
    told,
    rest,
    wake: () => wake(),
    line: () => renderUpdate(watch.status(), now),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

test("newer versions are looked for at the start and every six hours, told of once, and shown", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  desk.set({ updatePolicy: "manual" });
  await using watch = watchOf(desk);
  t.is(await watch.rest(), 6 * hourMs);
  t.is(watch.line(), "this is the version to run; looked for 0 seconds ago");
  t.deepEqual(watch.told, [
    {
      kind: "agent",
      occurredAt: "2026-11-20T10:00:00.000Z",
      version: "1.0.0",
      platform: thisPlatform,
      available: null,
    },
  ]);
  desk.offer(Buffer.from("new"), "1.1.0");
  watch.wake();
  await watch.rest();
  t.is(watch.told.length, 2);
  t.like(watch.told[1], { occurredAt: "2026-11-20T16:00:00.000Z", available: "1.1.0" });
  t.is(watch.line(), "1.1.0 is available; `flowstate upgrade` installs it");
  watch.wake();
  await watch.rest();
  t.is(watch.told.length, 2, "what has been said is not said again");
  t.is(desk.asked.list, 3);

  desk.set({ updatePolicy: "auto", maintenanceWindow: { weekdays: [0], from: "22:00", until: "23:00" } });
  watch.reconsider();
  await watch.rest();
  t.is(desk.asked.list, 4, "changed settings are followed at once");
  t.like(watch.told[2], { available: null });
  t.is(watch.line(), "1.1.0 is available; it is installed within the hour after 2026-11-22 22:00 UTC");
  watch.reconsider();
  t.is(desk.asked.list, 4, "the same settings are no news");
});

test("nothing is asked where the settings say so, and before they were heard; the version is told all the same", async (t) => {
  await using desk = await startReleaseDesk(pair.privatePem);
  desk.set({ updatePolicy: "disabled" });
  desk.offer(Buffer.from("new"), "1.1.0");
  for (const [isHeard, line] of [
    [true, "not looked for: the organisation's settings say so"],
    [false, "not looked for yet"],
  ] as const) {
    await using watch = watchOf(desk, { isHeard });
    await watch.rest();
    watch.wake();
    await watch.rest();
    t.is(desk.asked.list, 0);
    t.is(watch.line(), line);
    t.deepEqual(
      watch.told.map(({ available }) => available),
      [null],
    );
  }
});

test("a control plane that fails is asked again sooner; one without releases offers none", async (t) => {
  await using desk = await startReleaseDesk(null);
  desk.status = 500;
  await using watch = watchOf(desk, { key: null });
  t.is(await watch.rest(), hourMs / 2);
  t.is(watch.line(), "not known: the control plane answers 500");
  desk.status = 404;
  watch.wake();
  t.is(await watch.rest(), 6 * hourMs);
  desk.status = null;
  desk.offer(Buffer.from("new"), "1.1.0");
  watch.wake();
  await watch.rest();
  t.is(
    watch.line(),
    "1.1.0 is available; it cannot be checked, because no release key was given to `flowstate install`",
  );
  desk.set({ pinnedVersion: "7.0.0" });
  watch.reconsider();
  await watch.rest();
  t.regex(watch.line(), /^the pinned version is not offered/);
});
