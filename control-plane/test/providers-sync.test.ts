/** Pulling and storing bills, on both engines: nothing doubled, nothing lost, whatever happens on the way. */
import { dayMs } from "@flowstate/shared/time";
import type { OrgId } from "@flowstate/shared/ids";
import { billingChangedJobs } from "../src/billing/changed.ts";
import { listBilledNames, mapIdentity } from "../src/billing/identity-map.ts";
import { setExchangeRate } from "../src/billing/exchange.ts";
import { addProvider, rotateCredentials, testProvider } from "../src/providers/actions.ts";
import { anthropic } from "../src/providers/anthropic/connector.ts";
import { listIntegrations, removeIntegration } from "../src/providers/integrations.ts";
import { leaseOf } from "../src/providers/lease.ts";
import { runPull } from "../src/providers/run.ts";
import { openConnection, syncDue, syncNow } from "../src/providers/sync.ts";
import { watchProviders } from "../src/providers/watch.ts";
import { Secret } from "@flowstate/shared/secret";
import { until } from "@flowstate/shared/testing/until";
import type { Store } from "../src/store/open.ts";
import { leaseJob } from "../src/store/jobs.ts";
import { openStore } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { window } from "./support/connection.ts";
import { never, readRevisions, readRows, syncingOn, type Syncing } from "./support/syncing.ts";
import {
  anthropicAdminKey,
  emptyAnthropic,
  startAnthropic,
  type AnthropicWorld,
} from "./support/vendors/anthropic.ts";
import type { Vendor } from "./support/vendor.ts";

const days = window("2026-11-10", "2026-11-19");

/** A person with a key, and two lines a day that grow with the day of the month. */
function acme(): AnthropicWorld {
  return {
    ...emptyAnthropic(),
    users: [{ id: "user_ada", email: "Ada@Example.com", name: "Ada" }],
    keys: [{ id: "apikey_1", name: "laptop", createdBy: "user_ada" }],
    costs: (day) => [
      { amount: `${Number(day.slice(-2))}50`, description: "output", workspace: "wrkspc_1" },
      { amount: "100", description: "input", workspace: "wrkspc_1" },
    ],
    usage: () => [{ workspace: "wrkspc_1", key: "apikey_1", model: "claude-sonnet-5", input: 1, output: 1 }],
    claudeCode: () => [],
  };
}

function inputs(vendor: Vendor, key = anthropicAdminKey) {
  return [
    { name: "adminKey", value: key },
    { name: "baseUrl", value: vendor.url },
  ];
}

async function add({ services, context }: Syncing, vendor: Vendor): Promise<string> {
  const request = { kind: "ANTHROPIC", name: null, inputs: inputs(vendor) } as const;
  return (await addProvider(services, context(), request, never)).integration.providerId;
}

async function changedMonths(store: Store, orgId: OrgId): Promise<readonly string[]> {
  const rows = await store.reader
    .selectFrom("jobs")
    .select("name")
    .where("org_id", "=", orgId)
    .where("name", "like", `${billingChangedJobs}%`)
    .orderBy("name")
    .execute();
  return rows.map(({ name }) => name.slice(billingChangedJobs.length));
}

testOnBothEngines(
  "adding proves the key first and stores nothing when that fails",
  async (t, { store, orgId }) => {
    await using vendor = await startAnthropic(acme());
    const { services, context } = syncingOn(store, orgId);
    const attempt = (key: string) =>
      addProvider(services, context(), { kind: "ANTHROPIC", name: null, inputs: inputs(vendor, key) }, never);
    const wrong = await t.throwsAsync(attempt("sk-ant-admin01-wrong-key-zzzz"), { code: "FS_UPSTREAM" });
    t.regex(wrong.message, /^Anthropic: invalid x-api-key: \[credential\] \(HTTP 401/);
    await t.throwsAsync(attempt("sk-proj-nonsense"), {
      code: "FS_INPUT_INVALID",
      message: /^adminKey takes an admin key/,
    });
    t.deepEqual(await listIntegrations(store.reader, orgId, 0), []);
    const { integration, lines } = await attempt(anthropicAdminKey);
    t.is(lines, 4);
    t.like(integration, {
      state: "ACTIVE",
      name: "Anthropic / Claude Code",
      lastSyncAt: null,
      lastError: null,
    });
    await t.throwsAsync(attempt(anthropicAdminKey), { code: "FS_CONFLICT" });
  },
);

testOnBothEngines("a good key without a bill yet is a success", async (t, { store, orgId }) => {
  await using vendor = await startAnthropic(emptyAnthropic());
  const syncing = syncingOn(store, orgId);
  const providerId = await add(syncing, vendor);
  t.like(await testProvider(syncing.services, syncing.context(), providerId, never), { lines: 0, added: 0 });
});

testOnBothEngines("a pull is stored once, however often it is repeated", async (t, { store, orgId }) => {
  await using vendor = await startAnthropic(acme());
  const { services, context } = syncingOn(store, orgId);
  const providerId = await add({ services, context }, vendor);
  const sync = () => syncNow(services, orgId, providerId, days, "request", never);
  t.deepEqual(await sync(), { lines: 20, added: 20, revised: 0, withdrawn: 0 });
  const rows = await readRows(store, orgId);
  t.is(rows.length, 20);
  t.like(rows[1], {
    amount_nano_usd: 10_500_000_000n,
    original_amount: "10.5",
    period: "2026-11",
    revision: 1n,
  });
  t.deepEqual(await changedMonths(store, orgId), ["2026-11"]);
  services.clock.advance(3_600_000);
  t.deepEqual(await sync(), { lines: 20, added: 0, revised: 0, withdrawn: 0 });
  t.deepEqual(await readRows(store, orgId), rows);
  const [usage] = await store.reader.selectFrom("vendor_usage").select(["subject", "api_key"]).execute();
  t.deepEqual(usage, { subject: "ada@example.com", api_key: "apikey_1" });
});

testOnBothEngines(
  "a restated line keeps what it said before; a withdrawn one stays",
  async (t, { store, orgId }) => {
    const world = acme();
    await using vendor = await startAnthropic(world);
    const { services, context } = syncingOn(store, orgId);
    const providerId = await add({ services, context }, vendor);
    const sync = () => syncNow(services, orgId, providerId, days, "request", never);
    await sync();
    const before = world.costs;
    world.costs = (day) =>
      day === "2026-11-15" ? [{ ...before(day)[0], amount: "7" } as never] : before(day);
    services.clock.advance(dayMs);
    t.deepEqual(await sync(), { lines: 19, added: 0, revised: 1, withdrawn: 1 });
    const key = "costs:2026-11-15|wrkspc_1|output|claude-sonnet-5|output_tokens|standard|0-200k|global";
    t.deepEqual(await readRevisions(store, orgId, key), ["1: 15.5", "2: 0.07"]);
    const gone = (await readRows(store, orgId)).filter(({ withdrawn_at }) => withdrawn_at !== null);
    t.deepEqual(
      gone.map(({ fact_key }) => fact_key),
      [key.replace("output|claude", "input|claude")],
    );
    world.costs = before;
    services.clock.advance(dayMs);
    t.deepEqual(await sync(), { lines: 20, added: 0, revised: 1, withdrawn: 0 });
    t.true((await readRows(store, orgId)).every(({ withdrawn_at }) => withdrawn_at === null));
  },
);

testOnBothEngines("a figure of a day that is not over was never final", async (t, { store, orgId }) => {
  const world = acme();
  await using vendor = await startAnthropic(world);
  const { services, context } = syncingOn(store, orgId);
  const providerId = await add({ services, context }, vendor);
  const today = window("2026-11-20", "2026-11-20");
  const key = "costs:2026-11-20|w|out|claude-sonnet-5|output_tokens|standard|0-200k|global";
  for (const amount of ["100", "200", "300"]) {
    world.costs = () => [{ amount, description: "out", workspace: "w" }];
    await syncNow(services, orgId, providerId, today, "request", never);
    services.clock.advance(3_600_000);
  }
  t.deepEqual(await readRevisions(store, orgId, key), ["1: 3"]);
  services.clock.advance(dayMs);
  await syncNow(services, orgId, providerId, today, "request", never);
  world.costs = () => [{ amount: "301", description: "out", workspace: "w" }];
  await syncNow(services, orgId, providerId, today, "request", never);
  t.deepEqual(await readRevisions(store, orgId, key), ["1: 3", "2: 3.01"]);
});

testOnBothEngines(
  "killed at any step and repeated, a pull ends in the same rows",
  async (t, { store, orgId }) => {
    const world = acme();
    world.costs = (day) =>
      Array.from({ length: 250 }, (_, index) => ({
        amount: String(Number(day.slice(-2)) + index),
        description: `line ${index}`,
        workspace: "wrkspc_1",
      }));
    await using vendor = await startAnthropic(world);
    const { services, context } = syncingOn(store, orgId);
    const providerId = await add({ services, context }, vendor);
    const [integration] = await listIntegrations(store.reader, orgId, 0);
    if (integration === undefined) return t.fail();
    const connection = openConnection(services, anthropic, {
      adminKey: new Secret(anthropicAdminKey),
      baseUrl: new Secret(vendor.url),
    });
    const pull = (stepsToLive: number) => {
      let steps = 0;
      return runPull({
        store,
        integration,
        connection,
        window: days,
        cause: "request",
        rereadDays: 3,
        now: services.clock.now,
        signal: never,
        hold: async () => {
          steps += 1;
          if (steps > stepsToLive) throw new Error("killed");
        },
      });
    };
    for (const stepsToLive of [0, 1, 2, 3]) {
      await t.throwsAsync(pull(stepsToLive), { message: "killed" });
      services.clock.advance(1000);
    }
    await pull(Number.POSITIVE_INFINITY);
    const rows = await readRows(store, orgId);
    t.is(rows.length, 2500);
    t.true(rows.every(({ revision, withdrawn_at }) => revision === 1n && withdrawn_at === null));
    const expected =
      world.costs("2026-11-10").reduce((sum, { amount }) => sum + BigInt(amount), 0n) * 10n + 45n * 250n;
    const total = rows.reduce((sum, row) => sum + row.amount_nano_usd, 0n);
    t.is(total, expected * 10_000_000n);
    t.is((await store.reader.selectFrom("vendor_usage").select("usage_id").execute()).length, 10);
    t.is(providerId, integration.providerId);
  },
);

testOnBothEngines(
  "two control planes never pull the same provider at once",
  async (t, { store, address, orgId }) => {
    await using vendor = await startAnthropic(acme());
    await using second = await openStore(address);
    const one = syncingOn(store, orgId);
    const other = syncingOn(second, orgId, one.services.clock);
    const providerId = await add(one, vendor);
    const outcomes = await Promise.allSettled(
      [one, other, one, other].map(({ services }) =>
        syncNow(services, orgId, providerId, days, "request", never),
      ),
    );
    t.is(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    const refused = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    t.like(refused.reason, { code: "FS_CONFLICT" });
    const runs = await store.reader.selectFrom("sync_runs").select("state").execute();
    t.deepEqual(runs, [{ state: "DONE" }]);
  },
);

testOnBothEngines(
  "what is due is pulled by whichever control plane is there, once",
  async (t, { store, address, orgId }) => {
    await using vendor = await startAnthropic(acme());
    await using second = await openStore(address);
    const clock = syncingOn(store, orgId).services.clock;
    // A real wait between two looks, on a clock that stands still.
    const standing = {
      ...clock,
      sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.min(ms, 20))),
    };
    const planes = [store, second].map((each) => {
      const { services } = syncingOn(each, orgId);
      return { ...services, clock: standing };
    });
    const providerId = await add(syncingOn(store, orgId, clock), vendor);
    const stop = new AbortController();
    const errors: unknown[] = [];
    const watching = planes.map((services) =>
      watchProviders(services, stop.signal, (error) => errors.push(error)),
    );
    await until(
      "the first sync to end",
      async () =>
        (await listIntegrations(store.reader, orgId, clock.now()))[0]?.covered?.fromDay === "2026-05-24",
    );
    await until("the lease to be given back", async () => {
      const [integration] = await listIntegrations(store.reader, orgId, clock.now());
      return integration?.state === "ACTIVE";
    });
    stop.abort();
    await Promise.all(watching);
    t.deepEqual(errors, []);
    const runs = await store.reader
      .selectFrom("sync_runs")
      .select(["from_day", "until_day"])
      .orderBy("until_day", "desc")
      .execute();
    t.is(new Set(runs.map(({ from_day }) => from_day)).size, runs.length, "no window twice");
    t.deepEqual(runs[0], { from_day: "2026-11-17", until_day: "2026-11-20" });
    t.is((await readRows(store, orgId)).length, 181 * 2);
    const [job] = await store.reader
      .selectFrom("jobs")
      .select("due_at")
      .where("name", "=", `provider-sync/${providerId}`)
      .execute();
    t.is(job?.due_at, clock.now() + anthropic.schedule.everyMs);
  },
);

testOnBothEngines(
  "a failed sync shows the vendor's words and is tried again sooner",
  async (t, { store, orgId }) => {
    await using vendor = await startAnthropic(acme());
    const { services, context } = syncingOn(store, orgId);
    const providerId = await add({ services, context }, vendor);
    vendor.fail({
      kind: "reply",
      status: 403,
      body: { error: { message: `no scope for ${anthropicAdminKey}` } },
    });
    const job = await store.transact((db) => leaseJob(db, leaseOf(services), "provider-sync/"));
    if (job === null) return t.fail("nothing is due");
    await t.throwsAsync(syncDue(services, job, never), { code: "FS_UPSTREAM" });
    const [failed] = await listIntegrations(store.reader, orgId, services.clock.now());
    t.like(failed, {
      state: "ERROR",
      lastError: "Anthropic: no scope for [credential] (HTTP 403, /v1/organizations/users)",
    });
    const due = () =>
      store.reader
        .selectFrom("jobs")
        .select(["due_at", "failures"])
        .where("name", "like", "provider-sync/%")
        .executeTakeFirst();
    const dueAt = services.clock.now() + 300_000;
    t.deepEqual(await due(), { due_at: dueAt, failures: 1n });
    await testProvider(services, context(), providerId, never);
    t.deepEqual(await due(), { due_at: dueAt, failures: 0n }, "a test puts nothing off that is due");
    t.like((await listIntegrations(store.reader, orgId, services.clock.now()))[0], {
      state: "ACTIVE",
      lastError: null,
    });
  },
);

testOnBothEngines(
  "an admin says whose a name is, the rows follow, and no later pull takes it back",
  async (t, { store, orgId }) => {
    const { services, context } = syncingOn(store, orgId);
    const request = { kind: "DEMO", name: null, inputs: [] } as const;
    const { integration } = await addProvider(services, context(), request, never);
    const sync = () => syncNow(services, orgId, integration.providerId, days, "request", never);
    await sync();
    const names = () => listBilledNames(store.reader, orgId, { since: days.from, limit: 100 });
    const [first] = await names();
    t.like(first, { subject: null, setByAdmin: false });
    const shared = (await names()).find(({ value }) => value === "key_demo_shared");
    t.like(shared, { provider: "DEMO", kind: "api_key", subject: null, label: "shared key (demo)" });
    if (shared === undefined) return;
    await store.transact(async (db) => {
      await db.deleteFrom("jobs").where("name", "like", "billing-changed/%").execute();
      await mapIdentity(db, context(), { ...shared, employeeId: "demo-person-03" });
    });
    const mapped = async () => (await names()).find(({ value }) => value === "key_demo_shared");
    t.like(await mapped(), { subject: "carla.nunes@demo.invalid", setByAdmin: true });
    t.deepEqual(await changedMonths(store, orgId), ["2026-11"]);
    await sync();
    t.like(await mapped(), { subject: "carla.nunes@demo.invalid" });
    await store.transact((db) => mapIdentity(db, context(), { ...shared, employeeId: null }));
    t.like(await mapped(), { subject: null });
    const stranger = store.transact((db) => mapIdentity(db, context(), { ...shared, employeeId: "nobody" }));
    await t.throwsAsync(stranger, { code: "FS_NOT_FOUND" });
  },
);

testOnBothEngines(
  "removing keeps the history, and the same account comes back to it",
  async (t, { store, orgId }) => {
    await using vendor = await startAnthropic(acme());
    const { services, context } = syncingOn(store, orgId);
    const providerId = await add({ services, context }, vendor);
    await syncNow(services, orgId, providerId, days, "request", never);
    const rows = await readRows(store, orgId);
    t.true(await store.transact((db) => removeIntegration(db, context(), providerId)));
    t.false(await store.transact((db) => removeIntegration(db, context(), providerId)));
    t.deepEqual(await listIntegrations(store.reader, orgId, 0), []);
    t.deepEqual(await readRows(store, orgId), rows);
    const kept = await store.reader
      .selectFrom("usage_providers")
      .select(["sealed_credentials", "credential_hash"])
      .execute();
    t.deepEqual(kept, [{ sealed_credentials: null, credential_hash: null }]);
    t.is(await add({ services, context }, vendor), providerId);
    await syncNow(services, orgId, providerId, days, "request", never);
    t.deepEqual(await readRows(store, orgId), rows);
  },
);

testOnBothEngines(
  "new credentials take the old ones' place only once they are proven",
  async (t, { store, orgId }) => {
    await using vendor = await startAnthropic(acme());
    const { services, context } = syncingOn(store, orgId);
    const providerId = await add({ services, context }, vendor);
    const rotate = (key: string) =>
      rotateCredentials(services, context(), providerId, inputs(vendor, key), never);
    await t.throwsAsync(rotate("sk-ant-admin01-wrong-key-zzzz"), { code: "FS_UPSTREAM" });
    t.like(await testProvider(services, context(), providerId, never), { lines: 2 });
    t.is((await rotate(anthropicAdminKey)).providerId, providerId);
    const job = await store.transact((db) => leaseJob(db, leaseOf(services), "provider-sync/"));
    if (job === null) return t.fail("nothing is due");
    services.clock.advance(1000);
    await rotate(anthropicAdminKey);
    const rotatedAt = services.clock.now();
    await syncDue({ ...services, clock: { ...services.clock, now: () => rotatedAt - 500 } }, job, never);
    const due = await store.reader.selectFrom("jobs").select("due_at").where("name", "=", job.name).execute();
    t.deepEqual(due, [{ due_at: rotatedAt }], "credentials that came during a sync are pulled with at once");
  },
);

testOnBothEngines(
  "a bill in another currency takes a rate, which is kept with the row",
  async (t, { store, orgId }) => {
    const world = acme();
    world.costs = () => [{ amount: "1000.01", description: "out", workspace: "w", currency: "EUR" }];
    await using vendor = await startAnthropic(world);
    const { services, context } = syncingOn(store, orgId);
    const providerId = await add({ services, context }, vendor);
    const sync = () => syncNow(services, orgId, providerId, days, "request", never);
    await t.throwsAsync(sync(), {
      code: "FS_INPUT_INVALID",
      message: /no exchange rate of EUR holds on that day/,
    });
    t.deepEqual(await readRows(store, orgId), []);
    for (const [fromDay, usd] of [
      ["2026-11-01", "1.1"],
      ["2026-11-15", "1.0837"],
    ] as const) {
      const rate = {
        currency: "EUR",
        fromDay: window(fromDay, fromDay).from,
        usd,
        source: "ECB reference rate",
      };
      await store.transact((db) => setExchangeRate(db, context(), rate));
    }
    await sync();
    const rows = await readRows(store, orgId);
    t.like(rows[0], {
      original_amount: "10.0001",
      original_currency: "EUR",
      amount_nano_usd: 11_000_110_000n,
    });
    t.like(rows.at(-1), {
      amount_nano_usd: 10_837_108_370n,
      exchange_rate: "1.0837",
      exchange_source: "ECB reference rate",
      exchange_day: "2026-11-15",
    });
  },
);
