/** The Cursor connector against a local server that enforces the description of the Team Admin API. */
import test from "ava";
import { cursor } from "../src/providers/cursor/connector.ts";
import { hurriedClock } from "./support/clock.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults } from "./support/faults.ts";
import {
  cursorKey,
  emptyCursor,
  startCursor,
  type CursorEvent,
  type CursorWorld,
} from "./support/vendors/cursor.ts";

const credentials = { apiKey: cursorKey };
const october = window("2026-10-01", "2026-10-31");

function acme(events: readonly CursorEvent[] = someEvents()): CursorWorld {
  return {
    ...emptyCursor(),
    members: [
      { email: "Ada@example.com", name: "Ada", role: "member" },
      { email: "left@example.com", name: "Left", role: "member", isRemoved: true },
    ],
    events,
  };
}

function someEvents(): readonly CursorEvent[] {
  return [
    { at: "2026-10-02T08:00:00.123Z", email: "Ada@example.com", chargedCents: 3.34 },
    { at: "2026-10-02T09:00:00Z", email: "ada@example.com", chargedCents: 3.2100000000000004 },
    { at: "2026-10-02T10:00:00Z", email: "ada@example.com", chargedCents: 0, kind: "Included in Business" },
    { at: "2026-10-02T23:59:59.999Z", serviceAccountId: "sa_1", chargedCents: 10 },
    { at: "2026-10-31T23:59:59.999Z", chargedCents: 1.5 },
    { at: "2026-11-01T00:00:00Z", email: "ada@example.com", chargedCents: 2 },
    { at: "2026-10-03T00:00:00Z", email: "ada@example.com", isChargeable: false },
  ];
}

test("requests are summed by day, person, model and kind, exactly", async (t) => {
  const world = acme();
  world.pageSize = 2;
  await using vendor = await startCursor(world);
  const { lines, identities } = await pullAll(connectTo(cursor, vendor, credentials), october);
  const shown = lines.map(({ day, identity, sku, amount, requests }) => [
    `${day} ${identity.kind}:${identity.value}`,
    `${sku}: ${amount.text} for ${requests}`,
  ]);
  t.deepEqual(shown, [
    ["2026-10-02 email:ada@example.com", "Usage-based: 0.065500000000000004 for 2"],
    ["2026-10-02 email:ada@example.com", "Included in Business: 0 for 1"],
    ["2026-10-02 service_account:sa_1", "Usage-based: 0.1 for 1"],
    ["2026-10-31 org:null", "Usage-based: 0.015 for 1"],
    ["2026-10-03 email:ada@example.com", "Usage-based: 0 for 1"],
  ]);
  t.deepEqual(lines[0]?.tokens, { input: 2400n, output: 1600n, cacheRead: 102_000n, cacheWrite: 0n });
  t.is(lines[0]?.listAmount?.text, "0.0642");
  t.is(identities[0]?.email, "ada@example.com");
  t.deepEqual(vendor.violations, []);
});

test("a request that comes in while pages are read is neither lost nor doubled", async (t) => {
  const world = acme(
    Array.from({ length: 10 }, () => ({ at: "2026-10-02T08:00:00Z", email: "a@b.example", chargedCents: 1 })),
  );
  world.pageSize = 3;
  world.lateEvent = {
    afterPages: 2,
    event: { at: "2026-10-02T07:00:00Z", email: "a@b.example", chargedCents: 1 },
  };
  await using vendor = await startCursor(world);
  const { lines } = await pullAll(connectTo(cursor, vendor, credentials), october);
  t.deepEqual(
    lines.map(({ amount, requests }) => [amount.text, requests]),
    [["0.11", 11n]],
  );
});

test("100,000 requests over many pages become few lines, within the vendor's pace", async (t) => {
  const events = Array.from({ length: 100_000 }, (_, index) => ({
    at: new Date(Date.UTC(2026, 9, 1 + (index % 7), 0, 0, index % 3600)).toISOString(),
    email: `person${index % 50}@example.com`,
    chargedCents: 0.1,
  }));
  await using vendor = await startCursor(acme(events));
  const clock = hurriedClock();
  const start = clock.now();
  const { lines } = await pullAll(
    connectTo(cursor, vendor, credentials, clock),
    window("2026-10-01", "2026-10-07"),
  );
  t.is(lines.length, 350);
  t.is(
    lines.reduce((sum, { requests }) => sum + (requests ?? 0n), 0n),
    100_000n,
  );
  t.true(clock.now() - start >= 5 * 60_000, "101 requests at 20 a minute");
});

test("a charge that is missing is unknown, not zero", async (t) => {
  await using vendor = await startCursor(acme([{ at: "2026-10-02T08:00:00Z", email: "a@b.example" }]));
  await t.throwsAsync(pullAll(connectTo(cursor, vendor, credentials), october), {
    code: "FS_UPSTREAM",
    message: /usageEvents\[\]\.chargedCents: missing/,
  });
});

test("with the contract's price each seat is a purchase of the month, and without it there is none", async (t) => {
  await using vendor = await startCursor(acme([]));
  const now = window("2026-11-18", "2026-11-20");
  t.deepEqual((await pullAll(connectTo(cursor, vendor, credentials), now)).lines, []);
  const priced = connectTo(cursor, vendor, { ...credentials, seatPriceUsd: "40" });
  const { lines } = await pullAll(priced, now);
  t.is(lines.length, 1);
  t.like(lines[0], {
    chargeCategory: "Purchase",
    chargeFrequency: "Recurring",
    day: window("2026-11-01", "2026-11-01").from,
    identity: { kind: "email", value: "ada@example.com" },
    amount: { text: "40", currency: "USD" },
  });
  t.deepEqual((await pullAll(priced, october)).lines, [], "a month that is over has the seats that it had");
});

testFaults({
  connector: cursor,
  start: () => startCursor(acme()),
  startEmpty: () => startCursor(emptyCursor()),
  credentials,
  secret: "apiKey",
  scopeRefusal: { kind: "reply", status: 403, body: { message: "this endpoint needs the Enterprise plan" } },
  changed: { kind: "reply", status: 200, body: { teamMembers: [{ name: "Ada" }] } },
  changedField: /teamMembers\[0\]\.email/,
});
