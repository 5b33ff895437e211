/** The Anthropic connector against a local server that enforces the description of the Admin API. */
import test from "ava";
import { anthropic } from "../src/providers/anthropic/connector.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults } from "./support/faults.ts";
import {
  anthropicAdminKey,
  anthropicAnalyticsKey,
  emptyAnthropic,
  startAnthropic,
  type AnthropicWorld,
} from "./support/vendors/anthropic.ts";

const admin = { adminKey: anthropicAdminKey };
const both = { ...admin, analyticsKey: anthropicAnalyticsKey };
const october = window("2026-10-01", "2026-10-31");

function acme(): AnthropicWorld {
  return {
    users: [
      { id: "user_ada", email: "Ada@Example.com", name: "Ada" },
      { id: "user_bob", email: "bob@example.com", name: "Bob" },
    ],
    keys: [
      { id: "apikey_1", name: "ada laptop", createdBy: "user_ada" },
      {
        id: "apikey_2",
        name: "ci",
        createdBy: "user_ada",
        principal: { id: "svc_1", type: "service_account" },
      },
      {
        id: "apikey_3",
        name: "handed over",
        createdBy: "user_ada",
        principal: { id: "user_bob", type: "user" },
      },
    ],
    workspaces: [{ id: "wrkspc_1", name: "Research" }],
    costs: () => [
      { amount: "1234.5", description: "Claude Sonnet 5 Usage - Output Tokens", workspace: "wrkspc_1" },
      { amount: "0.1", description: "Claude Sonnet 5 Usage - Output Tokens", workspace: null },
    ],
    usage: () => [
      { workspace: "wrkspc_1", key: "apikey_1", model: "claude-sonnet-5", input: 100, output: 20 },
      { workspace: null, key: null, account: "user_bob", model: "claude-sonnet-5", input: 7, output: 1 },
      { workspace: null, key: null, model: "claude-haiku-5", input: 5, output: 1 },
    ],
    claudeCode: (day) =>
      day === "2026-10-02" ? [claudeCodeRecord("ada@example.com"), claudeCodeRecord(null)] : [],
    people: () => [],
    refreshes: 0,
  };
}

function claudeCodeRecord(email: string | null) {
  return {
    date: "2026-10-02T00:00:00Z",
    actor:
      email === null
        ? { type: "api_actor", api_key_name: "ci" }
        : { type: "user_actor", email_address: email },
    organization_id: "org",
    customer_type: "api",
    subscription_type: null,
    terminal_type: "vscode",
    is_remote: false,
    core_metrics: {
      num_sessions: 1,
      lines_of_code: { added: 1, removed: 0 },
      commits_by_claude_code: 0,
      pull_requests_by_claude_code: 0,
    },
    tool_actions: {},
    model_breakdown: [
      {
        model: "claude-sonnet-5",
        tokens: { input: 10, output: 20, cache_read: 30, cache_creation: 40 },
        estimated_cost: { amount: 3.2100000000000004, currency: "USD" },
      },
    ],
  };
}

test("a month of the bill, in several pages, in exact dollars", async (t) => {
  await using vendor = await startAnthropic(acme());
  const { lines, feeds } = await pullAll(connectTo(anthropic, vendor, admin), october);
  const costs = lines.filter(({ feed }) => feed === "costs");
  t.is(costs.length, 62);
  t.is(
    new Set(lines.map(({ feed, key }) => `${feed}:${key}`)).size,
    lines.length,
    "each line has a key of its own",
  );
  t.deepEqual(costs[0]?.amount, { text: "12.345", currency: "USD" });
  t.deepEqual(costs[1]?.amount, { text: "0.001", currency: "USD" });
  t.deepEqual(costs[1]?.identity, { kind: "workspace", value: "default" });
  t.is(costs.at(-1)?.day, october.until);
  t.deepEqual(feeds, ["costs", "messages", "claude-code"]);
  t.deepEqual(vendor.violations, []);
});

test("100,000 lines over many pages are all read", async (t) => {
  const costs = (day: string) =>
    Array.from({ length: 3226 }, (_, index) => ({
      amount: `${index}.5`,
      description: `line ${index} of ${day}`,
      workspace: "wrkspc_1",
    }));
  await using vendor = await startAnthropic({ ...acme(), costs });
  const { lines } = await pullAll(connectTo(anthropic, vendor, admin), october);
  const own = lines.filter(({ feed }) => feed === "costs");
  t.is(new Set(own.map(({ key }) => key)).size, 31 * 3226);
  t.deepEqual(vendor.violations, []);
});

test("a key leads to its principal, and only without one to whoever made it", async (t) => {
  await using vendor = await startAnthropic(acme());
  const { identities } = await pullAll(connectTo(anthropic, vendor, admin), october);
  const emails = Object.fromEntries(identities.map(({ value, email }) => [value, email]));
  t.deepEqual(emails, {
    user_ada: "Ada@Example.com",
    user_bob: "bob@example.com",
    apikey_1: "Ada@Example.com",
    apikey_2: null,
    apikey_3: "bob@example.com",
    wrkspc_1: null,
  });
});

test("usage carries the key, the person who signed in, or at least the workspace", async (t) => {
  await using vendor = await startAnthropic(acme());
  const { usages } = await pullAll(connectTo(anthropic, vendor, admin), window("2026-10-05", "2026-10-05"));
  t.deepEqual(
    usages.map(({ identity }) => identity),
    [
      { kind: "api_key", value: "apikey_1" },
      { kind: "vendor_user", value: "user_bob" },
      { kind: "workspace", value: "default" },
    ],
  );
  t.deepEqual(usages[0]?.tokens, { input: 100n, output: 20n, cacheRead: 10n, cacheWrite: 5n });
});

test("Claude Code is an estimate by person, and never billed", async (t) => {
  await using vendor = await startAnthropic(acme());
  const { lines } = await pullAll(connectTo(anthropic, vendor, admin), window("2026-10-02", "2026-10-03"));
  const code = lines.filter(({ feed }) => feed === "claude-code");
  t.deepEqual(
    code.map(({ grade, identity, amount }) => [grade, identity, amount.text]),
    [
      ["estimated", { kind: "email", value: "ada@example.com" }, "0.032100000000000004"],
      ["estimated", { kind: "api_key", value: "ci" }, "0.032100000000000004"],
    ],
  );
});

function enterprise(): AnthropicWorld {
  const world = acme();
  world.people = (day) => [
    {
      actor: {
        type: "user_actor",
        user_id: "user_ada",
        email: "ada@example.com",
        name: "Ada",
        deleted: false,
      },
      amount: "250",
      list_amount: "500.5",
      currency: "USD",
      cost_type: null,
      token_type: null,
      requests: 12,
      product: "cowork",
      model: "claude-sonnet-5",
      context_window: null,
      inference_geo: null,
      speed: null,
      rbac_group_id: null,
      slack_channel_id: null,
      starting_at: `${day}T00:00:00Z`,
      ending_at: `${day}T23:59:59Z`,
    },
  ];
  return world;
}

test("seats of Claude Enterprise come by the second key, from the start when the vendor refreshed", async (t) => {
  const world = enterprise();
  world.refreshes = 1;
  await using vendor = await startAnthropic(world);
  const connection = connectTo(anthropic, vendor, both);
  t.is(connection.rereadDays, 30);
  const { lines, feeds } = await pullAll(connection, window("2026-10-01", "2026-10-02"));
  const people = lines.filter(({ feed }) => feed === "people");
  t.deepEqual(
    people.map(({ day, amount, listAmount, requests }) => [day, amount.text, listAmount?.text, requests]),
    [
      ["2026-10-01", "2.5", "5.005", 12n],
      ["2026-10-02", "2.5", "5.005", 12n],
    ],
  );
  t.true(feeds.includes("people"));
  t.deepEqual(vendor.violations, []);
});

testFaults({
  connector: anthropic,
  start: () => startAnthropic(acme()),
  startEmpty: () => startAnthropic(emptyAnthropic()),
  credentials: admin,
  secret: "adminKey",
  scopeRefusal: {
    kind: "reply",
    status: 403,
    body: { type: "error", error: { type: "permission_error", message: "this key lacks the admin scope" } },
  },
  changed: { kind: "reply", status: 200, body: { data: [{ id: "user_ada" }], has_more: false } },
  changedField: /data\[0\]\.email/,
});

testFaults({
  connector: anthropic,
  name: "Claude Enterprise",
  start: () => startAnthropic(enterprise()),
  startEmpty: () => startAnthropic(emptyAnthropic()),
  credentials: both,
  secret: "analyticsKey",
  at: /analytics/,
  scopeRefusal: {
    kind: "reply",
    status: 403,
    body: { type: "error", error: { type: "permission_error", message: "this key lacks read:analytics" } },
  },
  changed: {
    kind: "reply",
    status: 200,
    body: { data: [{ amount: "1" }], has_more: false, next_page: null },
  },
  changedField: /data\[0\]\./,
});
