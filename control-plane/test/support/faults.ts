import test from "ava";
import { isFlowstateError, type FlowstateError } from "@flowstate/shared/errors";
import type { Connector, DayWindow } from "../../src/providers/connector.ts";
import { connectTo, pullAll, window } from "./connection.ts";
import { hurriedClock } from "./clock.ts";
import type { Fault, Vendor } from "./vendor.ts";

export interface FaultCases {
  readonly connector: Connector;
  /** A vendor with something to tell of October 2026. */
  readonly start: () => Promise<Vendor>;
  /** The same with an empty bill. */
  readonly startEmpty: () => Promise<Vendor>;
  /** Good ones. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Name of the credential that the vendor checks. */
  readonly secret: string;
  readonly scopeRefusal: Fault & { readonly kind: "reply" };
  /** An answer to the first request of a pull that lacks something, and the field that must be named. */
  readonly changed: Fault;
  readonly changedField: RegExp;
  /** Where the vendor does not tell of all October: the days of it that are read. */
  readonly october?: DayWindow;
}

/** What every connector does when its vendor fails. */
export function testFaults(cases: FaultCases): void {
  const { connector, start, startEmpty, credentials, secret, scopeRefusal, changed, changedField } = cases;
  const { october = window("2026-10-01", "2026-10-31") } = cases;
  const name = connector.kind;

  async function failure(vendor: Vendor, given = credentials): Promise<FlowstateError> {
    try {
      await pullAll(connectTo(connector, vendor, given), october);
    } catch (error) {
      if (isFlowstateError(error)) return error;
      throw error;
    }
    throw new Error("expected a failure");
  }

  test(`${name}: a wrong key is denied in the vendor's words, without the key`, async (t) => {
    await using vendor = await start();
    const wrong = `${credentials[secret]}WRONG`;
    const given = { ...credentials, [secret]: wrong };
    const error = await failure(vendor, given);
    t.is(error.details["failure"], "denied");
    t.false(error.message.includes(wrong) || error.message.includes(String(credentials[secret])));
    await t.throwsAsync(connectTo(connector, vendor, given).probe(new AbortController().signal), {
      code: "FS_UPSTREAM",
    });
    t.is(vendor.calls.length, 2, "a key is not tried twice");
  });

  test(`${name}: a missing scope is told in the vendor's words`, async (t) => {
    await using vendor = await start();
    vendor.fail(scopeRefusal);
    const error = await failure(vendor);
    t.is(error.details["failure"], "denied");
    t.is(error.details["status"], 403);
  });

  const passing: readonly [name: string, faults: readonly Fault[]][] = [
    ["429 with Retry-After", [{ kind: "reply", status: 429, headers: { "retry-after": "60" } }]],
    [
      "429 without Retry-After, twice",
      [
        { kind: "reply", status: 429 },
        { kind: "reply", status: 429 },
      ],
    ],
    ["server errors", [500, 502, 503].map((status) => ({ kind: "reply", status }))],
    ["a cut connection", [{ kind: "cut" }]],
    ["a truncated answer", [{ kind: "truncated" }]],
    ["a slow answer", [{ kind: "silent" }]],
  ];
  test(`${name}: accidents change nothing in what is read`, async (t) => {
    await using vendor = await start();
    const whole = await pullAll(connectTo(connector, vendor, credentials), october);
    t.true(whole.lines.length + whole.usages.length > 0);
    for (const [accident, faults] of passing) {
      const clock = hurriedClock();
      vendor.fail(...faults);
      const read = await pullAll(connectTo(connector, vendor, credentials, clock), october);
      t.deepEqual(read, whole, accident);
      t.true(clock.sleeps.length >= faults.length, accident);
    }
    t.deepEqual(vendor.violations, []);
  });

  test(`${name}: a vendor that stays down is unreachable, not empty`, async (t) => {
    await using vendor = await start();
    vendor.fail(...Array.from({ length: 5 }, () => ({ kind: "reply", status: 500 }) as const));
    t.is((await failure(vendor)).details["failure"], "unreachable");
  });

  test(`${name}: an answer of another form names the field`, async (t) => {
    await using vendor = await start();
    vendor.fail(changed);
    const error = await failure(vendor);
    t.is(error.details["failure"], "changed");
    t.regex(error.message, changedField);
  });

  test(`${name}: an empty month is no failure, and its feeds are covered`, async (t) => {
    await using vendor = await startEmpty();
    const { lines, feeds } = await pullAll(connectTo(connector, vendor, credentials), october);
    t.deepEqual(lines, []);
    t.true(feeds.length > 0);
    t.deepEqual(vendor.violations, []);
  });

  test(`${name}: a day at the edge of a month belongs to one month`, async (t) => {
    await using vendor = await start();
    const edge = window("2026-10-31", "2026-11-01");
    const { lines, usages } = await pullAll(connectTo(connector, vendor, credentials), edge);
    const days = new Set([...lines, ...usages].map(({ day }) => day));
    t.true([...days].every((day) => day === "2026-10-31" || day === "2026-11-01"));
  });

  test(`${name}: keys of lines are the same in every pull and no two lines share one`, async (t) => {
    await using vendor = await start();
    const pull = async () => {
      const { lines, usages } = await pullAll(connectTo(connector, vendor, credentials), october);
      return [...lines, ...usages].map(({ feed, key }) => `${feed}:${key}`);
    };
    const first = await pull();
    t.is(new Set(first).size, first.length);
    t.deepEqual(await pull(), first);
  });
}
