/** The catalogue over real rows on both engines: what traffic and bills say of each service, and costs by hand. */
import { dayMs, dateOf, hourOf, type Period } from "@flowstate/shared/time";
import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { setExchangeRate } from "../src/billing/exchange.ts";
import { loadPeopleOf } from "../src/billing/batch.ts";
import { writeLines } from "../src/billing/lines.ts";
import { enterAgentCost, listAgentCosts, type NewAiAgentEntry } from "../src/catalogue/agents.ts";
import { listServices } from "../src/catalogue/catalogue.ts";
import { addProvider } from "../src/providers/actions.ts";
import { billLine } from "../src/providers/connector.ts";
import { removeIntegration } from "../src/providers/integrations.ts";
import type { Store } from "../src/store/open.ts";
import type { UsageDate } from "@flowstate/shared/time";
import { testOnBothEngines } from "./support/both-engines.ts";
import { never, syncingOn } from "./support/syncing.ts";

const now = Date.UTC(2026, 10, 20, 12);
const ago = (days: number): number => now - days * dayMs;

async function tunnel(store: Store, orgId: OrgId, host: string, subject: string, at: number): Promise<void> {
  const sni = {
    sni_equal: 0n,
    sni_same_provider: 0n,
    sni_mismatch: 0n,
    sni_none: 0n,
    sni_ech: 0n,
    sni_not_tls: 0n,
  };
  const sums = {
    tunnels: 1n,
    failed_tunnels: 0n,
    requests: 0n,
    estimated_requests: 0n,
    bytes_up: 1n,
    bytes_down: 1n,
  };
  const seen = { first_seen_at: at, last_seen_at: at };
  const row = {
    org_id: orgId,
    hour: hourOf(at),
    subject,
    host,
    ...sums,
    ...seen,
    ...sni,
    would_deny: 0n,
    estimate_method: null,
  };
  await store.transact((db) => db.insertInto("meter_hours").values(row).execute());
}

async function call(
  store: Store,
  orgId: OrgId,
  provider: string,
  tool: string,
  subject: string,
  at: number,
): Promise<void> {
  const tokens = {
    input_tokens: 1n,
    output_tokens: 1n,
    cache_read_tokens: 0n,
    cache_write_5m_tokens: 0n,
    cache_write_1h_tokens: 0n,
    reasoning_tokens: 0n,
  };
  const sums = { calls: 1n, cost_nano_usd: 1n, uncosted_calls: 0n, estimated_calls: 0n };
  const key = {
    org_id: orgId,
    hour: hourOf(at),
    subject,
    provider,
    tool,
    model: "m",
    project: "",
    billing: "metered" as const,
  };
  await store.transact((db) =>
    db
      .insertInto("usage_hours")
      .values({ ...key, ...tokens, ...sums })
      .execute(),
  );
}

async function bill(
  store: Store,
  orgId: OrgId,
  providerId: string,
  service: string,
  at: number,
): Promise<void> {
  const { line } = billLine({
    feed: "f",
    key: `${service}|${at}`,
    service,
    identity: { kind: "org", value: null },
    day: dateOf(at),
    description: "a line",
    amount: { text: "1", currency: "USD" },
    record: null,
  });
  const source = {
    orgId,
    providerId,
    kind: "OPENROUTER" as const,
    importId: null,
    seenAt: now,
    now,
    rates: new Map(),
  };
  const people = await loadPeopleOf(store.reader, orgId, "OPENROUTER");
  await store.transact((db) => writeLines(db, store.engine, { ...source, people }, [line]));
}

async function shown(store: Store, orgId: OrgId): Promise<ReadonlyMap<string, string>> {
  const services = await listServices(store.reader, orgId, now);
  return new Map(
    services.map(({ id, state, flags, activeUsers30d }) => [id, [state, ...flags, activeUsers30d].join(" ")]),
  );
}

testOnBothEngines(
  "traffic shows services, the one that nobody listed among them",
  async (t, { store, orgId }) => {
    await tunnel(store, orgId, "api.anthropic.com", "ada@example.com", ago(1));
    await tunnel(store, orgId, "api.mistral.ai", "ada@example.com", ago(2));
    await tunnel(store, orgId, "github.com", "ada@example.com", ago(1));
    await tunnel(store, orgId, "api2.cursor.sh", "ada@example.com", ago(45));
    await call(store, orgId, "anthropic", "claude-code", "ada@example.com", ago(1));
    await call(store, orgId, "anthropic", "claude-code", "bob@example.com", ago(29));
    await call(store, orgId, "anthropic", "claude-code", "eve@example.com", ago(31));
    await call(store, orgId, "anthropic", "claude-code", "service-account:bot", ago(1));
    await call(store, orgId, "new-vendor", "unknown", "eve@example.com", ago(3));
    const services = await shown(store, orgId);
    t.is(services.get("anthropic-api"), "CONNECTED UNBILLED 2");
    t.is(services.get("claude-code"), "CONNECTED UNBILLED 2");
    t.is(services.get("mistral"), "CONNECTED UNBILLED DISCOVERED 1");
    t.is(services.get("new-vendor"), "CONNECTED UNBILLED DISCOVERED 1");
    t.is(services.get("cursor"), "DISCONNECTED UNBILLED 0");
    t.is(services.get("midjourney"), "CATALOGUED 0");
    t.false(services.has("github.com"));
    const listed = await listServices(store.reader, orgId, now);
    const mistral = listed.find(({ id }) => id === "mistral");
    t.deepEqual(mistral?.coverage, ["HOSTNAME_RECOGNISED"]);
    t.is(listed.find(({ id }) => id === "anthropic-api")?.lastSeenAt, ago(1));
  },
);

testOnBothEngines(
  "a removed provider's service is disconnected unless traffic replaces it",
  async (t, { store, orgId }) => {
    const { services, context } = syncingOn(store, orgId);
    const { integration } = await addProvider(
      services,
      context(),
      { kind: "GEMINI", name: null, inputs: [] },
      never,
    );
    const { providerId } = integration;
    await bill(store, orgId, providerId, "openrouter", ago(20));
    await bill(store, orgId, providerId, "openrouter", ago(2));
    const before = await shown(store, orgId);
    t.is(before.get("gemini-api"), "CONNECTED 0");
    t.is(before.get("openrouter"), "CONNECTED MONITORING_GAP BILLING_ONLY 0");
    await store.transact((db) => removeIntegration(db, context(), providerId));
    const after = await shown(store, orgId);
    t.is(after.get("gemini-api"), "DISCONNECTED 0");
    t.is(after.get("openrouter"), "DISCONNECTED BILLING_ONLY 0");
    await tunnel(store, orgId, "openrouter.ai", "ada@example.com", ago(1));
    t.is((await shown(store, orgId)).get("openrouter"), "CONNECTED 1");
  },
);

const invoice: NewAiAgentEntry = {
  projectId: null,
  name: "Midjourney",
  service: "midjourney",
  period: "2026-11" as Period,
  amountUsd: 120_000_000_000n as NanoUsd,
  seats: null,
  currencyCode: "USD",
  monthlyPerSeatPrice: null,
  inputTokenPricePer1M: null,
  outputTokenPricePer1M: null,
  monthlyIncludedInputTokens: null,
  monthlyIncludedOutputTokens: null,
  teamIds: [],
  note: "invoice 7",
};

testOnBothEngines("a cost by hand is entered, corrected and billed", async (t, { store, orgId }) => {
  const context = { orgId, actor: "test", now };
  const enter = (entry: NewAiAgentEntry) => store.transact((db) => enterAgentCost(db, context, entry));
  const first = await enter(invoice);
  t.is(first.amountUsd, 120_000_000_000n as NanoUsd);
  t.is((await shown(store, orgId)).get("midjourney"), "CONNECTED MONITORING_GAP BILLING_ONLY 0");
  const again = await enter({ ...invoice, amountUsd: 1n as NanoUsd });
  t.is(again.entryId, first.entryId);
  const seats = {
    ...invoice,
    name: "Gong",
    service: "gong",
    amountUsd: null,
    seats: 12,
    monthlyPerSeatPrice: "99.95",
    currencyCode: "eur",
  };
  await t.throwsAsync(enter(seats), { code: "FS_INPUT_INVALID", message: /no exchange rate of EUR/ });
  const rate = { currency: "EUR", usd: "1.1", fromDay: "2026-01-01" as UsageDate, source: "test" };
  await store.transact((db) => setExchangeRate(db, context, rate));
  t.like(await enter(seats), { amountUsd: 1_319_340_000_000n, currencyCode: "EUR" });
  const all = await listAgentCosts(store.reader, orgId, invoice.period);
  t.deepEqual(
    all.map(({ name, amountUsd }) => [name, amountUsd]),
    [
      ["Gong", 1_319_340_000_000n],
      ["Midjourney", 1n],
    ],
  );
  t.deepEqual(await listAgentCosts(store.reader, orgId, "2026-10" as Period), []);
});

const refusals: readonly [what: Partial<NewAiAgentEntry>, message: RegExp][] = [
  [{ amountUsd: null }, /^give amountUsd, or seats and monthlyPerSeatPrice$/],
  [{ amountUsd: null, seats: 3, monthlyPerSeatPrice: "ten" }, /^monthlyPerSeatPrice: "ten" is not a decimal/],
  [{ inputTokenPricePer1M: "-1" }, /^inputTokenPricePer1M is less than 0$/],
  [{ seats: -1 }, /^seats takes 0 to/],
  [{ currencyCode: "dollars" }, /^currencyCode: "dollars" is not a currency code/],
  [{ name: " " }, /^name takes 1 to 100/],
  [{ service: "nothing" }, /^"nothing" is not a service of the catalogue$/],
  [{ projectId: "nothing" }, /^there is no project "nothing"$/],
  [{ teamIds: ["nothing"] }, /^there is no team "nothing"$/],
];

testOnBothEngines(
  "an entry that says nothing clear is refused in one sentence",
  async (t, { store, orgId }) => {
    for (const [change, message] of refusals) {
      const attempt = store.transact((db) =>
        enterAgentCost(db, { orgId, actor: "test", now }, { ...invoice, ...change }),
      );
      await t.throwsAsync(attempt, { message });
    }
    t.deepEqual(await listAgentCosts(store.reader, orgId, null), []);
  },
);
