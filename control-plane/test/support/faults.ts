import test from "ava";
import { isFlowstateError, type FlowstateError } from "@flowstate/shared/errors";
import type { Batch } from "../../src/billing/batch.ts";
import { addDecimals } from "../../src/providers/amount.ts";
import type { Connector, DayWindow } from "../../src/providers/connector.ts";
import { connectTo, pullAll, window } from "./connection.ts";
import { hurriedClock } from "./clock.ts";
import type { Fault, Vendor, VendorCall } from "./vendor.ts";

export interface FaultCases {
  readonly connector: Connector;
  /** Where a connector takes several credentials: which of them is meant. */
  readonly name?: string;
  /** A vendor with something to tell of October 2026. */
  readonly start: () => Promise<Vendor>;
  /** The same with an empty bill. */
  readonly startEmpty: () => Promise<Vendor>;
  /** Which requests the accidents meet; the first ones where it is left out. */
  readonly at?: RegExp;
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
  /** A field that the vendor leaves out where it is nought. */
  readonly omitted?: RegExp;
}

/** What every connector does when its vendor fails. */
export function testFaults(cases: FaultCases): void {
  const { connector, start, startEmpty, credentials, secret, scopeRefusal, changed, changedField } = cases;
  const { october = window("2026-10-01", "2026-10-31"), omitted } = cases;
  const { at } = cases;
  const fail = (vendor: Vendor, ...faults: readonly Fault[]): void =>
    vendor.fail(...faults.map((fault) => (at === undefined ? fault : { ...fault, at })));
  const name = cases.name ?? connector.kind;

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
    if (at !== undefined) return;
    await t.throwsAsync(connectTo(connector, vendor, given).probe(new AbortController().signal), {
      code: "FS_UPSTREAM",
    });
    t.is(vendor.calls.length, 2, "a key is not tried twice");
  });

  test(`${name}: a missing scope is told in the vendor's words`, async (t) => {
    await using vendor = await start();
    fail(vendor, scopeRefusal);
    const error = await failure(vendor);
    t.is(error.details["failure"], "denied");
    t.is(error.details["status"], 403);
  });

  const passing: readonly [accident: string, faults: readonly Fault[], attemptMs?: number][] = [
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
    ["a slow answer", [{ kind: "silent" }], 1500],
  ];
  test(`${name}: accidents change nothing in what is read`, async (t) => {
    await using vendor = await start();
    const whole = await pullAll(connectTo(connector, vendor, credentials), october);
    t.true(whole.lines.length + whole.usages.length > 0);
    for (const [accident, faults, attemptMs] of passing) {
      const clock = hurriedClock();
      fail(vendor, ...faults);
      const read = await pullAll(connectTo(connector, vendor, credentials, clock, attemptMs), october);
      t.deepEqual(read, whole, accident);
      t.true(clock.sleeps.length >= faults.length, accident);
    }
    t.deepEqual(vendor.violations, []);
  });

  test(`${name}: a vendor that stays down is unreachable, not empty`, async (t) => {
    await using vendor = await start();
    fail(vendor, ...Array.from({ length: 5 }, () => ({ kind: "reply", status: 500 }) as const));
    t.is((await failure(vendor)).details["failure"], "unreachable");
  });

  test(`${name}: an answer of another form names the field`, async (t) => {
    await using vendor = await start();
    fail(vendor, changed);
    const error = await failure(vendor);
    t.is(error.details["failure"], "changed");
    t.regex(error.message, changedField);
  });

  test(`${name}: whatever field of an answer takes another form is named, or was not read`, async (t) => {
    await using vendor = await start();
    const seen = new Map<string, unknown>();
    vendor.alter((call, body) => {
      if (typeof body !== "string" && !seen.has(addressOf(call))) seen.set(addressOf(call), body);
      return body;
    });
    const whole = await pullAll(connectTo(connector, vendor, credentials), october);
    let named = 0;
    for (const [address, body] of seen) {
      for (const [path, form] of leavesOf(body).flatMap((each) =>
        forms.map((form) => [each, form] as const),
      )) {
        vendor.alter((call, given) =>
          addressOf(call) === address ? replaced(given, path, form.value) : given,
        );
        const where = `${address} ${fieldName(path)} ${form.name}`;
        if (form.value === undefined && omitted?.test(where)) continue;
        try {
          const read = await pullAll(connectTo(connector, vendor, credentials), october);
          t.deepEqual(form.compared(read), form.compared(whole), where);
        } catch (error) {
          if (!isFlowstateError(error)) throw error;
          named += 1;
          t.is(error.details["failure"], "changed", `${where}: ${error.message}`);
          t.true(error.message.includes(namedAs(path)), `${where}: ${error.message}`);
        }
      }
    }
    t.true(named > 0);
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

/** A field may take another form, or be gone: then what it said is unknown, but no money is lost with it. */
const forms: readonly {
  readonly name: string;
  readonly value: unknown;
  readonly compared: (read: Batch) => unknown;
}[] = [
  { name: "as an object", value: { unexpected: true }, compared: (read) => read },
  {
    name: "left out",
    value: undefined,
    compared: ({ lines }) => lines.reduce((sum, { amount }) => addDecimals(sum, amount.text), "0"),
  },
];

type FieldPath = readonly (string | number)[];

function addressOf({ method, path }: VendorCall): string {
  return `${method} ${path}`;
}

/** Places of a JSON answer that hold a plain value; of a list those of the first item alone. */
function leavesOf(value: unknown): readonly FieldPath[] {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return [[]];
  if (typeof value !== "object" || value === null) return [];
  const items = Array.isArray(value) ? value.slice(0, 1).entries() : Object.entries(value);
  return [...items].flatMap(([key, item]) => leavesOf(item).map((rest) => [key, ...rest]));
}

/** The same answer with another value in one place; undefined leaves the place out. */
function replaced(value: unknown, [key, ...rest]: FieldPath, other: unknown): unknown {
  if (key === undefined) return other;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === key ? replaced(item, rest, other) : item));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, name === key ? replaced(item, rest, other) : item]),
  );
}

/** What of the place a message has to name: a cell of a row has no name. */
function namedAs(path: FieldPath): string {
  const name = path.at(-1);
  return typeof name === "string" ? name : "";
}

function fieldName(path: FieldPath): string {
  return path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`),
    "",
  );
}
