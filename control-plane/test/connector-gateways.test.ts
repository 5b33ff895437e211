/** fal.ai, Fireworks and Together AI against local servers that enforce their descriptions; Groq and Replicate, which have none. */
import test from "ava";
import type { Connector } from "../src/providers/connector.ts";
import { fal } from "../src/providers/fal/connector.ts";
import { fireworks } from "../src/providers/fireworks/connector.ts";
import { groq } from "../src/providers/groq/connector.ts";
import { replicate } from "../src/providers/replicate/connector.ts";
import { together } from "../src/providers/together/connector.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults, type FaultCases } from "./support/faults.ts";
import type { Vendor } from "./support/vendor.ts";
import {
  emptyGateway,
  gatewayKeys,
  startFal,
  startFireworks,
  startTogether,
  type GatewayWorld,
} from "./support/vendors/gateways.ts";

const october = window("2026-10-01", "2026-10-31");

interface Gateway extends Pick<
  FaultCases,
  "secret" | "scopeRefusal" | "changed" | "changedField" | "omitted"
> {
  readonly connector: Connector;
  readonly start: (world: GatewayWorld) => Promise<Vendor>;
  readonly key: string;
  /** What causes usage there, and the kind of name it is. */
  readonly cause: string;
  readonly kind: string;
  readonly feed: string;
}

const gateways: readonly Gateway[] = [
  {
    connector: fal,
    start: startFal,
    secret: "adminKey",
    key: gatewayKeys.fal,
    cause: "key_1",
    kind: "api_key",
    feed: "usage",
    scopeRefusal: { kind: "reply", status: 403, body: { error: { message: "an ADMIN key is needed" } } },
    changed: {
      kind: "reply",
      status: 200,
      body: { keys: [{ alias: "x" }], has_more: false, next_cursor: null },
    },
    changedField: /keys\[0\]\.key_id/,
  },
  {
    connector: fireworks,
    start: startFireworks,
    secret: "apiKey",
    key: gatewayKeys.fireworks,
    cause: "ada",
    kind: "vendor_user",
    feed: "costs",
    scopeRefusal: { kind: "reply", status: 403, body: { message: "permission denied" } },
    changed: { kind: "reply", status: 200, body: { accounts: [{ id: "acme" }] } },
    changedField: /accounts\[0\]\.name/,
    // google.type.Money leaves out a part that is nought.
    omitted: /subtotal\.(units|nanos)/,
  },
  {
    connector: together,
    start: startTogether,
    secret: "apiKey",
    key: gatewayKeys.together,
    cause: "key_1",
    kind: "api_key",
    feed: "usage",
    scopeRefusal: { kind: "reply", status: 403, body: { error: { message: "not allowed" } } },
    changed: { kind: "reply", status: 200, body: { organization_id: "o", currency: "USD", data: [{}] } },
    changedField: /data\[0\]\.date/,
  },
];

function acme({ cause }: Gateway): GatewayWorld {
  return {
    ...emptyGateway(),
    usage: [
      { day: "2026-10-02", cause, cost: 12.5 },
      { day: "2026-10-02", cause: null, cost: 0.000000001 },
      { day: "2026-10-31", cause, cost: 3 },
      { day: "2026-11-01", cause, cost: 5 },
    ],
  };
}

for (const gateway of gateways) {
  const { connector, start, secret, key, kind, cause, feed } = gateway;
  const name = connector.kind;
  const credentials = { [secret]: key };

  test(`${name}: each day's amounts are exact, and name who caused them`, async (t) => {
    await using vendor = await start(acme(gateway));
    const { lines, feeds } = await pullAll(connectTo(connector, vendor, credentials), october);
    t.deepEqual(
      lines.map(({ day, identity, amount }) => [day, identity.kind, identity.value, amount.text].join(" ")),
      [`2026-10-02 ${kind} ${cause} 12.5`, "2026-10-02 org  0.000000001", `2026-10-31 ${kind} ${cause} 3`],
    );
    t.deepEqual(feeds, [feed]);
    t.deepEqual(vendor.violations, []);
  });

  test(`${name}: many pages are read to the end`, async (t) => {
    const usage = Array.from({ length: 3100 }, (_, index) => ({
      day: `2026-10-${String((index % 31) + 1).padStart(2, "0")}`,
      cause: `cause_${index}`,
      cost: 0.01,
    }));
    await using vendor = await start({ ...emptyGateway(), usage, pageSize: 50 });
    const { lines } = await pullAll(connectTo(connector, vendor, credentials), october);
    t.is(new Set(lines.map(({ key: line }) => line)).size, 3100);
    t.deepEqual(vendor.violations, []);
  });

  test(`${name}: a restated day has the same lines with other amounts`, async (t) => {
    const world = acme(gateway);
    await using vendor = await start(world);
    const connection = connectTo(connector, vendor, credentials);
    const before = await pullAll(connection, october);
    world.usage = world.usage.map((each) => ({ ...each, cost: each.cost + 1 }));
    const after = await pullAll(connection, october);
    t.deepEqual(
      after.lines.map(({ key: line }) => line),
      before.lines.map(({ key: line }) => line),
    );
    t.is(after.lines[0]?.amount.text, "13.5");
  });

  testFaults({
    ...gateway,
    start: () => start(acme(gateway)),
    startEmpty: () => start(emptyGateway()),
    credentials,
  });
}

test("a bill in another currency keeps it", async (t) => {
  const world = { ...emptyGateway(), usage: [{ day: "2026-10-02", cause: null, cost: 1 }], currency: "EUR" };
  for (const [connector, start, credentials] of [
    [fal, startFal, { adminKey: gatewayKeys.fal }],
    [fireworks, startFireworks, { apiKey: gatewayKeys.fireworks }],
  ] as const) {
    await using vendor = await start(world);
    const { lines } = await pullAll(connectTo(connector, vendor, credentials), october);
    t.is(lines[0]?.amount.currency, "EUR", connector.kind);
  }
});

test("the creator of a fal.ai key and the user of a Fireworks account are people", async (t) => {
  await using images = await startFal(emptyGateway());
  const keys = await pullAll(connectTo(fal, images, { adminKey: gatewayKeys.fal }), october);
  t.like(keys.identities[0], { kind: "api_key", value: "key_1", email: "ada@example.com" });
  await using tokens = await startFireworks(emptyGateway());
  const users = await pullAll(connectTo(fireworks, tokens, { apiKey: gatewayKeys.fireworks }), october);
  t.like(users.identities[0], { kind: "vendor_user", value: "ada", email: "ada@example.com" });
});

test("an organisation that Together has not switched the beta on for is told what to do", async (t) => {
  await using vendor = await startTogether(emptyGateway());
  vendor.fail({ kind: "reply", status: 404, body: { error: { message: "Not found" } } });
  const connection = connectTo(together, vendor, { apiKey: gatewayKeys.together });
  await t.throwsAsync(connection.probe(new AbortController().signal), {
    code: "FS_UPSTREAM",
    message: /Not found .*; the billing API is switched on by organisation: ask Together for it/,
  });
});

test("a vendor without a billing API is connected without a credential, and no line is invented", async (t) => {
  for (const connector of [groq, replicate]) {
    t.deepEqual(connector.fields, []);
    t.is(connector.capabilities.money, "none");
    t.regex(connector.capabilities.notes.join(" "), /publishes no billing API/);
    const { lines, usages } = await pullAll(connectTo(connector, { url: "http://127.0.0.1:1" }, {}), october);
    t.deepEqual([lines, usages], [[], []]);
  }
});
