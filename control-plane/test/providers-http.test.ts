/** The client that every connector uses, against a server that fails in every way that vendors do. */
import test from "ava";
import { z } from "zod";
import { isFlowstateError, type FlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import { field } from "../src/providers/exact-json.ts";
import { createVendorHttp, type ClientOptions, type VendorHttp } from "../src/providers/http.ts";
import { readPages } from "../src/providers/pages.ts";
import { hurriedClock } from "./support/clock.ts";
import { startVendor, type Fault, type Vendor, type VendorOptions } from "./support/vendor.ts";

const key = "sk-ant-admin01-planted-abcdefghijklmnop";
const signal = new AbortController().signal;
const organization = { id: "org_1", type: "organization", name: "Acme" };

function startAcme(routes: VendorOptions["routes"] = {}): Promise<Vendor> {
  return startVendor({
    contract: "anthropic",
    authorise: ({ headers }) =>
      headers["x-api-key"] === key
        ? null
        : {
            status: 401,
            body: { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } },
          },
    routes: { "GET /v1/organizations/me": () => ({ body: organization }), ...routes },
  });
}

function clientOf(vendor: Vendor, options: Partial<ClientOptions> = {}, clock = hurriedClock()): VendorHttp {
  const given = {
    vendor: "Acme",
    address: "https://api.acme.example",
    headers: { "x-api-key": key, "anthropic-version": "2023-06-01" },
    secrets: [new Secret(key)],
    perMinute: 1000,
    ...options,
  };
  return createVendorHttp(given, { clock, override: new URL(vendor.url), random: () => 1 });
}

const me = { path: "/v1/organizations/me", schema: z.object({ id: field.text }) };

async function failureOf(run: Promise<unknown>): Promise<FlowstateError> {
  try {
    await run;
  } catch (error) {
    if (isFlowstateError(error)) return error;
    throw error;
  }
  throw new Error("expected a failure");
}

const passing: readonly [name: string, faults: readonly Fault[], sleeps: readonly number[]][] = [
  ["429 without Retry-After", [{ kind: "reply", status: 429 }], [500]],
  [
    "429 with Retry-After in seconds",
    [{ kind: "reply", status: 429, headers: { "retry-after": "7" } }],
    [7000],
  ],
  [
    "429 with Retry-After as a date",
    [{ kind: "reply", status: 429, headers: { "retry-after": "Thu, 01 Oct 2026 00:00:30 GMT" } }],
    [30_000],
  ],
  [
    "four server errors",
    [500, 502, 503, 529].map((status) => ({ kind: "reply", status })),
    [500, 1000, 2000, 4000],
  ],
  ["a connection that is cut", [{ kind: "cut" }], [500]],
  ["an answer that ends early", [{ kind: "truncated" }], [500]],
  ["an answer that never comes", [{ kind: "silent" }], [500]],
];
for (const [name, faults, sleeps] of passing) {
  test(`${name} is waited out`, async (t) => {
    await using vendor = await startAcme();
    vendor.fail(...faults);
    const clock = hurriedClock(Date.UTC(2026, 9, 1));
    const answer = await clientOf(vendor, { attemptMs: 2000 }, clock).json(me, signal);
    t.is(answer.id, "org_1");
    t.deepEqual(clock.sleeps, sleeps);
    t.is(vendor.calls.length, faults.length + 1);
  });
}

const failing: readonly [name: string, fault: Fault, times: number, failure: string, message: RegExp][] = [
  [
    "a wrong key, told in the vendor's words and without the key",
    { kind: "reply", status: 401, body: { error: { message: `bad key ${key}, or sk-ant-a*******mnop` } } },
    1,
    "denied",
    /^Acme: bad key \[credential\], or \[credential\] \(HTTP 401, \/v1\/organizations\/me\)$/,
  ],
  [
    "a missing scope",
    { kind: "reply", status: 403, body: { message: "Missing scopes: api.usage.read" } },
    1,
    "denied",
    /Missing scopes: api\.usage\.read \(HTTP 403/,
  ],
  [
    "a path that is gone",
    { kind: "reply", status: 404, body: { detail: "Not found" } },
    1,
    "missing",
    /Not found/,
  ],
  ["a page of HTML", { kind: "reply", status: 400, body: "<html>no</html>" }, 1, "refused", /no explanation/],
  ["server errors that do not end", { kind: "reply", status: 500 }, 5, "unreachable", /HTTP 500/],
  ["throttling that does not end", { kind: "reply", status: 429 }, 5, "throttled", /HTTP 429/],
  [
    "a wait longer than any sync",
    { kind: "reply", status: 429, headers: { "retry-after": "3600" } },
    1,
    "throttled",
    /HTTP 429/,
  ],
  ["connections that are always cut", { kind: "cut" }, 5, "unreachable", /the answer was cut off/],
  [
    "a redirect",
    { kind: "reply", status: 302, headers: { location: "https://evil.example" } },
    1,
    "refused",
    /302/,
  ],
  [
    "an answer that lacks a field, which is named",
    { kind: "reply", status: 200, body: { name: "Acme" } },
    1,
    "changed",
    /^Acme changed its answer: id: .*expected string.*\(\/v1\/organizations\/me\)$/,
  ],
  [
    "text in place of JSON",
    { kind: "reply", status: 200, body: "hello" },
    1,
    "changed",
    /something else than JSON/,
  ],
];
for (const [name, fault, times, failure, message] of failing) {
  test(`refuses: ${name}`, async (t) => {
    await using vendor = await startAcme();
    vendor.fail(...Array.from({ length: times }, () => fault));
    const error = await failureOf(clientOf(vendor).json(me, signal));
    t.is(error.details["failure"], failure);
    t.regex(error.message, message);
    t.false(JSON.stringify(error).includes(key));
    t.is(vendor.calls.length, times);
  });
}

test("numbers keep the text they were written in, and may as well be text", async (t) => {
  await using vendor = await startAcme();
  const schema = z.object({ amounts: z.array(field.decimal), tokens: field.count });
  const body = '{"amounts":[3.2100000000000004,"12.5",1e-7,12345678901234567890.123],"tokens":12.0}';
  vendor.fail({ kind: "reply", status: 200, headers: { "content-type": "application/json" }, body });
  const answer = await clientOf(vendor).json({ path: me.path, schema }, signal);
  t.deepEqual(answer.amounts, ["3.2100000000000004", "12.5", "1e-7", "12345678901234567890.123"]);
  t.is(answer.tokens, 12n);
});

test("an answer larger than the bound is not read to its end", async (t) => {
  await using vendor = await startAcme();
  vendor.fail({ kind: "reply", status: 200, body: { id: "x".repeat(200_000) } });
  const error = await failureOf(clientOf(vendor, { maxAnswerBytes: 100_000 }).json(me, signal));
  t.is(error.details["failure"], "too_large");
});

test("no minute sees more requests than the vendor allows", async (t) => {
  await using vendor = await startAcme();
  const clock = hurriedClock();
  const client = clientOf(vendor, { perMinute: 3 }, clock);
  const start = clock.now();
  for (let index = 0; index < 7; index += 1) await client.json(me, signal);
  t.is(clock.now() - start, 120_000);
});

test("stopping ends a wait at once and is no failure of the vendor", async (t) => {
  await using vendor = await startAcme();
  vendor.fail({ kind: "silent" });
  const stop = new AbortController();
  const asked = clientOf(vendor).json(me, stop.signal);
  setImmediate(() => stop.abort());
  await t.throwsAsync(asked, { name: "AbortError" });
});

test("a file is read without credentials, and only from the vendor's own hosts", async (t) => {
  await using vendor = await startAcme();
  vendor.fail({ kind: "reply", status: 200, body: "day,amount\n2026-10-01,1.5\n" });
  const lines = await Array.fromAsync(clientOf(vendor).lines(`${vendor.url}/file?signature=1`, signal));
  t.deepEqual(lines, ["day,amount", "2026-10-01,1.5"]);
  t.is(vendor.calls[0]?.headers["x-api-key"], undefined);
  const elsewhere = clientOf(vendor).lines("http://127.0.0.1:1/file", signal);
  const error = await failureOf(Array.fromAsync(elsewhere));
  t.is(error.details["failure"], "changed");
});

test("pages are read to the end, and a cursor that comes back ends the pull", async (t) => {
  const pages: Record<string, { items: number[]; next: string | null }> = {
    first: { items: [1, 2], next: "second" },
    second: { items: [3], next: null },
    circle: { items: [4], next: "circle" },
  };
  const read = (start: string) => (cursor: string | null) =>
    Promise.resolve(pages[cursor ?? start] ?? { items: [], next: null });
  t.deepEqual(await Array.fromAsync(readPages("Acme", read("first"))), [1, 2, 3]);
  const error = await failureOf(Array.fromAsync(readPages("Acme", read("circle"))));
  t.is(error.details["failure"], "changed");
});

test("the local vendor refuses what the vendor's description does not have", async (t) => {
  await using vendor = await startAcme();
  const query = { bucket: "1d" };
  await failureOf(clientOf(vendor).send({ path: "/v1/organizations/cost_report", query }, signal));
  t.deepEqual(vendor.violations, [
    "GET /v1/organizations/cost_report: there is no parameter bucket",
    "GET /v1/organizations/cost_report: starting_at is missing",
  ]);
});
