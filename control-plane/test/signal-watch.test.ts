/** The watch over signals, in a file of its own: beside whole companies being made it would wait for its turn. */
import { until } from "@flowstate/shared/testing/until";
import { periodOf } from "@flowstate/shared/time";
import { watchSignals } from "../src/signals/watch.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { hurriedClock } from "./support/clock.ts";

const now = Date.parse("2026-11-20T12:00:00Z");

testOnBothEngines(
  "organisations are looked at by themselves, and again every quarter of an hour",
  async (t, { store, orgId }) => {
    const clock = hurriedClock(now);
    const stopping = new AbortController();
    const failures: unknown[] = [];
    const watching = watchSignals({ store, clock }, stopping.signal, (error) => failures.push(error));
    const runs = () =>
      store.reader.selectFrom("signal_runs").selectAll().where("org_id", "=", orgId).executeTakeFirst();
    t.is((await until("the first run", runs)).ran_at, now);
    await store.transact((db) =>
      db
        .insertInto("refused_credentials")
        .values({ org_id: orgId, period: periodOf(now), reason: "clear_text", refusals: 1n })
        .execute(),
    );
    const [signal] = await until("the signal", async () => {
      const found = await store.reader
        .selectFrom("signals")
        .selectAll()
        .where("org_id", "=", orgId)
        .execute();
      return found.length > 0 ? found : null;
    });
    stopping.abort();
    await watching;
    t.is(signal?.type, "credential_in_clear_text");
    t.is(((signal?.detected_at ?? 0) - now) % 900_000, 0);
    t.deepEqual(failures, []);
  },
);
