/** The OpenAI connector against a local server that enforces OpenAI's own description. */
import test from "ava";
import { openai } from "../src/providers/openai/connector.ts";
import { hurriedClock } from "./support/clock.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults } from "./support/faults.ts";
import {
  chatgptKey,
  emptyOpenai,
  openaiAdminKey,
  startOpenai,
  type OpenaiWorld,
} from "./support/vendors/openai.ts";

const admin = { adminKey: openaiAdminKey };
const enterprise = { ...admin, chatgptKey, chatgptOrgId: "org-acme", creditPriceUsd: "0.04" };
const october = window("2026-10-01", "2026-10-31");

function acme(): OpenaiWorld {
  return {
    ...emptyOpenai(),
    users: Array.from({ length: 250 }, (_, index) => ({
      id: `user-${index}`,
      name: `Person ${index}`,
      email: `person${index}@example.com`,
    })),
    projects: [
      {
        id: "proj_a",
        name: "Search",
        keys: [
          { id: "key_1", name: "ada", owner: "person1@example.com" },
          { id: "key_2", name: "ci", owner: null },
        ],
      },
      { id: "proj_old", name: "Archived", keys: null },
    ],
    costs: () => [
      { value: 12.0634, item: "gpt-5.4, input", project: "proj_a", key: "key_1" },
      { value: 3.2100000000000004, item: "gpt-5.4, output", project: "proj_a", key: null },
      { value: 0.5, item: "web search", project: null, key: null },
    ],
    completions: () => [
      {
        object: "organization.usage.completions.result",
        input_tokens: 1000,
        input_cached_tokens: 600,
        input_cache_write_tokens: 100,
        output_tokens: 50,
        num_model_requests: 4,
        project_id: "proj_a",
        user_id: "user-1",
        api_key_id: "key_1",
        model: "gpt-5.4",
      },
    ],
    embeddings: () => [
      {
        object: "organization.usage.embeddings.result",
        input_tokens: 70,
        num_model_requests: 1,
        project_id: "proj_a",
        user_id: null,
        api_key_id: "key_2",
        model: "text-embedding-4",
      },
    ],
  };
}

test("a month of costs by project, key and line item", async (t) => {
  await using vendor = await startOpenai(acme());
  const { lines, feeds } = await pullAll(connectTo(openai, vendor, admin), october);
  t.is(lines.length, 93);
  const shown = lines
    .slice(0, 3)
    .map(({ identity, amount, model, sku }) => [identity, amount.text, model, sku]);
  t.deepEqual(shown, [
    [{ kind: "api_key", value: "key_1" }, "12.0634", "gpt-5.4", "input"],
    [{ kind: "project", value: "proj_a" }, "3.2100000000000004", "gpt-5.4", "output"],
    [{ kind: "org", value: null }, "0.5", null, "web search"],
  ]);
  t.deepEqual(lines[0]?.quantity, { value: "1000", unit: "tokens" });
  t.deepEqual(feeds, ["costs", "completions", "embeddings"]);
  t.deepEqual(vendor.violations, []);
});

test("100,000 lines over many pages are all read", async (t) => {
  const costs = () =>
    Array.from({ length: 3226 }, (_, index) => ({
      value: 0.01,
      item: `gpt-5.4, line ${index}`,
      project: "proj_a",
      key: null,
    }));
  await using vendor = await startOpenai({ ...acme(), costs });
  const { lines } = await pullAll(connectTo(openai, vendor, admin), october);
  t.is(new Set(lines.map(({ key }) => key)).size, 31 * 3226);
  t.deepEqual(vendor.violations, []);
});

test("the directory is read to its last page, and keys lead to their owners", async (t) => {
  await using vendor = await startOpenai(acme());
  const { identities } = await pullAll(connectTo(openai, vendor, admin), window("2026-10-01", "2026-10-01"));
  t.is(identities.filter(({ kind }) => kind === "vendor_user").length, 250);
  const keys = identities.filter(({ kind }) => kind === "api_key").map(({ value, email }) => [value, email]);
  t.deepEqual(keys, [
    ["key_1", "person1@example.com"],
    ["key_2", null],
  ]);
});

test("tokens are counted once each, though OpenAI counts the cache in the input", async (t) => {
  await using vendor = await startOpenai(acme());
  const { usages } = await pullAll(connectTo(openai, vendor, admin), window("2026-10-01", "2026-10-01"));
  t.deepEqual(
    usages.map(({ identity, tokens }) => [identity.value, tokens]),
    [
      ["user-1", { input: 300n, output: 50n, cacheRead: 600n, cacheWrite: 100n }],
      ["key_2", { input: 70n, output: null, cacheRead: 0n, cacheWrite: 0n }],
    ],
  );
});

test("an amount may as well be text", async (t) => {
  await using vendor = await startOpenai(acme());
  const amount = { value: "3.50", currency: "usd" };
  const bucket = {
    start_time: 1_790_812_800,
    results: [{ amount, line_item: "x", project_id: null, api_key_id: null }],
  };
  const listed = { data: [], has_more: false };
  vendor.fail(
    { kind: "reply", status: 200, body: listed },
    { kind: "reply", status: 200, body: listed },
    { kind: "reply", status: 200, body: { data: [bucket], has_more: false } },
  );
  const { lines } = await pullAll(connectTo(openai, vendor, admin), window("2026-10-01", "2026-10-01"));
  t.is(lines[0]?.amount.text, "3.5");
});

function creditEvent(id: string, day: string, credits: number) {
  return {
    event_id: id,
    day,
    hour: 10,
    identity: { user_id: "u1", email: "Ada@example.com", name: "Ada", groups: [] },
    product: "Codex",
    surface: "cli",
    model: "gpt-5.4",
    billing: [
      { sku: "codex", quantity: { value: 3, unit: "messages" }, cost: { value: credits, unit: "CREDITS" } },
    ],
  };
}

/** Files of three days; each of them may bring the first event once more. */
function chatgpt({ again }: { readonly again: boolean }): OpenaiWorld {
  const logs = [1, 2, 3].map((number) => ({
    id: `log${number}`,
    endTime: `2026-11-1${number}T11:00:00Z`,
    lines: [
      creditEvent(`e${number}`, `2026-11-1${number}`, number + 0.5),
      ...(again ? [creditEvent("e1", "2026-11-11", 1.5)] : []),
    ],
  }));
  return { ...emptyOpenai(), logs };
}

test("ChatGPT credits come by the second key at the contract's price, each event once", async (t) => {
  await using vendor = await startOpenai(chatgpt({ again: true }));
  const clock = hurriedClock(Date.UTC(2026, 10, 20));
  const connection = connectTo(openai, vendor, enterprise, clock);
  const { lines, feeds } = await pullAll(connection, window("2026-11-11", "2026-11-13"));
  const unique = new Map(lines.map(({ key, amount, identity }) => [key, [amount.text, identity.value]]));
  t.deepEqual(Object.fromEntries(unique), {
    "e1|codex": ["0.06", "ada@example.com"],
    "e2|codex": ["0.1", "ada@example.com"],
    "e3|codex": ["0.14", "ada@example.com"],
  });
  t.true(feeds.includes("credits"));
  const old = await pullAll(connection, window("2026-09-01", "2026-09-30"));
  t.false(old.feeds.includes("credits"), "of days whose files are gone nothing is said");
  t.deepEqual(vendor.violations, []);
});

test("the ChatGPT fields are given together or not at all", async (t) => {
  await using vendor = await startOpenai(emptyOpenai());
  t.throws(() => connectTo(openai, vendor, { ...admin, chatgptKey }), { code: "FS_INPUT_INVALID" });
});

testFaults({
  connector: openai,
  start: () => startOpenai(acme()),
  startEmpty: () => startOpenai(emptyOpenai()),
  credentials: admin,
  secret: "adminKey",
  scopeRefusal: {
    kind: "reply",
    status: 403,
    body: { error: { message: "You have insufficient permissions. Missing scopes: api.usage.read." } },
  },
  changed: { kind: "reply", status: 200, body: { data: [{ name: "Ada" }], has_more: false } },
  changedField: /data\[0\]\.id/,
});

testFaults({
  connector: openai,
  name: "ChatGPT Enterprise",
  start: () => startOpenai(chatgpt({ again: false })),
  startEmpty: () => startOpenai(emptyOpenai()),
  credentials: enterprise,
  secret: "chatgptKey",
  at: /compliance/,
  october: window("2026-11-11", "2026-11-13"),
  scopeRefusal: { kind: "reply", status: 403, body: { error: { message: "the key lacks read_logs" } } },
  changed: { kind: "reply", status: 200, body: { data: [{ event_type: "COSTS" }], has_more: false } },
  changedField: /data\[0\]\.id/,
});
