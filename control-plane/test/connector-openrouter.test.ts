/** The OpenRouter connector against a local server that enforces the vendor's description. */
import test from "ava";
import { openrouter } from "../src/providers/openrouter/connector.ts";
import { hurriedClock } from "./support/clock.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults } from "./support/faults.ts";
import {
  emptyOpenRouter,
  openrouterKey,
  startOpenRouter,
  type OpenRouterWorld,
} from "./support/vendors/openrouter.ts";

const credentials = { managementKey: openrouterKey };
const days = window("2026-10-22", "2026-11-19");

function acme(): OpenRouterWorld {
  return {
    ...emptyOpenRouter(),
    members: [
      { id: "user_ada", email: "ada@example.com" },
      { id: "user_bob", email: "bob@example.com" },
    ],
    activity: [
      { date: "2026-10-31", user: "user_ada", usage: 1.25 },
      { date: "2026-10-31", user: "user_bob", usage: 0.000000001 },
      { date: "2026-10-31", user: null, usage: 2 },
      { date: "2026-11-01", user: "user_ada", usage: 4 },
    ],
  };
}

test("each person's part is theirs, and what nobody caused stays with the organisation", async (t) => {
  await using vendor = await startOpenRouter(acme());
  const { lines, identities, feeds } = await pullAll(connectTo(openrouter, vendor, credentials), days);
  t.deepEqual(
    lines.map(({ day, identity, amount, requests }) => [`${day} ${identity.value}`, amount.text, requests]),
    [
      ["2026-10-31 user_ada", "1.25", 1n],
      ["2026-10-31 user_bob", "0.000000001", 1n],
      ["2026-10-31 null", "2", 1n],
      ["2026-11-01 user_ada", "4", 1n],
    ],
  );
  t.deepEqual(
    identities.map(({ value, email }) => [value, email]),
    [
      ["user_ada", "ada@example.com"],
      ["user_bob", "bob@example.com"],
    ],
  );
  t.deepEqual(feeds, ["activity"]);
  t.deepEqual(vendor.violations, []);
});

test("an account of one person has no members and one bill", async (t) => {
  await using vendor = await startOpenRouter({ ...acme(), members: null });
  const { lines } = await pullAll(connectTo(openrouter, vendor, credentials), days);
  t.deepEqual(
    lines.map(({ identity, amount }) => [identity.kind, amount.text]),
    [
      ["org", "3.250000001"],
      ["org", "4"],
    ],
  );
});

test("days that the vendor has forgotten are not taken for empty ones", async (t) => {
  await using vendor = await startOpenRouter(acme());
  const september = window("2026-09-01", "2026-11-19");
  const { feeds } = await pullAll(connectTo(openrouter, vendor, credentials), september);
  t.deepEqual(feeds, []);
  const asked = vendor.calls
    .filter(({ path }) => path.endsWith("/activity"))
    .map(({ query }) => query.get("date"));
  t.is(asked[0], "2026-10-21");
  t.deepEqual(vendor.violations, []);
});

test("today is not asked for, because it is not over", async (t) => {
  await using vendor = await startOpenRouter(acme());
  await pullAll(connectTo(openrouter, vendor, credentials), window("2026-11-19", "2026-11-20"));
  const asked = vendor.calls
    .filter(({ path }) => path.endsWith("/activity"))
    .map(({ query }) => query.get("date"));
  t.deepEqual(asked, ["2026-11-19"]);
});

test("many members over many pages are each asked for once a day", async (t) => {
  const members = Array.from({ length: 250 }, (_, index) => ({
    id: `user_${index}`,
    email: `p${index}@example.com`,
  }));
  const activity = members.map(({ id }) => ({ date: "2026-11-01", user: id, usage: 0.1 }));
  await using vendor = await startOpenRouter({ members, activity, pageSize: 100 });
  const clock = hurriedClock();
  const start = clock.now();
  const one = window("2026-11-01", "2026-11-01");
  const { lines } = await pullAll(connectTo(openrouter, vendor, credentials, clock), one);
  t.is(lines.filter(({ identity }) => identity.kind === "vendor_user").length, 250);
  t.true(clock.now() - start >= 4 * 60_000, "255 requests at 60 a minute");
});

testFaults({
  connector: openrouter,
  start: () => startOpenRouter(acme()),
  startEmpty: () => startOpenRouter(emptyOpenRouter()),
  credentials,
  secret: "managementKey",
  scopeRefusal: {
    kind: "reply",
    status: 403,
    body: { error: { code: 403, message: "Only management keys can perform this operation" } },
  },
  changed: { kind: "reply", status: 200, body: { data: [{ id: "user_ada" }], total_count: 1 } },
  changedField: /data\[0\]\.email/,
  october: window("2026-10-21", "2026-10-31"),
});
