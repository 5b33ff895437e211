/** Section C of the conformance table, the policy half (the addresses stand with the dial): rules, modes, limits, quotas. */
import { once } from "node:events";
import anyTest, { type TestFn } from "ava";
import { until } from "@flowstate/shared/testing/until";
import { defaultProxyPolicy, type DestinationPolicy, type ProxyPolicy } from "@flowstate/shared/wire/policy";
import {
  connectHead,
  echo,
  exchange,
  readAll,
  startProxy,
  startTarget,
  tunnel,
  type RunningProxy,
} from "./support/running.ts";

type Target = Awaited<ReturnType<typeof startTarget>>;

const test = anyTest as TestFn<{ target: Target }>;

test.before(async (t) => {
  t.context = { target: await startTarget(echo) };
});

test.after.always(({ context: { target } }) => target[Symbol.asyncDispose]());

const closed: DestinationPolicy = { mode: "enforce", aiOnly: false, allow: [], deny: [] };

/** A proxy that has taken this policy. */
async function proxyWith(
  policy: Partial<ProxyPolicy>,
  overQuota: readonly string[] = [],
): Promise<RunningProxy> {
  const proxy = await startProxy();
  await setPolicy(proxy, policy, overQuota);
  return proxy;
}

async function setPolicy(
  proxy: RunningProxy,
  policy: Partial<ProxyPolicy>,
  overQuota: readonly string[] = [],
): Promise<void> {
  const before = proxy.events("took a key snapshot").length;
  proxy.controlPlane.setPolicy({ ...defaultProxyPolicy, ...policy }, overQuota);
  await until("the policy", () => proxy.events("took a key snapshot").length > before);
}

test("C4 report mode carries what enforce would refuse, marks it in the log and counts it", async (t) => {
  await using proxy = await proxyWith({ destinations: { ...closed, mode: "report" } });
  const to = `127.0.0.1:${t.context.target.port}`;
  t.is((await exchange(proxy, connectHead(proxy, to))).status, 200);
  const line = await until("the log", () => proxy.log()[0]);
  t.like(line, { wouldDeny: true, outcome: "carried" });
  await until("the meter", () => proxy.controlPlane.rows().some(({ wouldDeny }) => wouldDeny === 1));
});

test("C5 C7 enforce refuses with 403 and its reason; a group has rules of its own", async (t) => {
  const destinations: DestinationPolicy = { ...closed, mode: "open" };
  const group = { name: "staff", subjects: ["staff@example.com"], destinations };
  await using proxy = await proxyWith({ destinations: closed, groups: [group] });
  const to = `127.0.0.1:${t.context.target.port}`;
  const refused = await exchange(proxy, connectHead(proxy, to));
  t.is(refused.status, 403);
  t.regex(refused.head, /error=http_request_denied/);
  t.regex(String(proxy.log()[0]?.["reason"]), /policy/);
  t.is((await exchange(proxy, connectHead(proxy, to, [], "staff@example.com"))).status, 200);
});

test("C8 a policy holds for new tunnels at once; open ones stay or are closed as it says", async (t) => {
  await using proxy = await startProxy();
  const to = `127.0.0.1:${t.context.target.port}`;
  const socket = await tunnel(proxy, to);
  await setPolicy(proxy, { destinations: closed });
  t.is((await exchange(proxy, connectHead(proxy, to))).status, 403);
  socket.write("still here");
  t.is(String((await once(socket, "data"))[0]), "still here");
  await setPolicy(proxy, { destinations: closed, existingTunnels: "close" });
  await readAll(socket).catch(() => null);
  await until("the log", () => proxy.log().some(({ end }) => end === "policy"));
  t.pass();
});

test("AI-only mode carries hosts of the catalogue and refuses others", async (t) => {
  await using proxy = await proxyWith({ destinations: { ...closed, aiOnly: true } });
  t.is((await exchange(proxy, connectHead(proxy, "host.example:443"))).status, 403);
  // It passes the policy and fails at the dial: there is no name server here for it.
  t.not((await exchange(proxy, connectHead(proxy, "api.openai.com:443"))).status, 403);
});

for (const [mode, status] of [
  ["report", 200],
  ["enforce", 403],
] as const) {
  test(`a subject over its monthly quota: ${mode} -> ${status}`, async (t) => {
    const quota = { mode, defaultRequests: 1 };
    await using proxy = await proxyWith({ quota }, ["person@example.com"]);
    const to = `127.0.0.1:${t.context.target.port}`;
    t.is((await exchange(proxy, connectHead(proxy, to))).status, status);
    const line = await until("the log", () => proxy.log()[0]);
    t.is(line["overQuota"], mode === "report" ? true : undefined);
    t.is((await exchange(proxy, connectHead(proxy, to, [], "other@example.com"))).status, 200);
  });
}

test("C18 no field of a request changes how it is decided", async (t) => {
  await using proxy = await proxyWith({ destinations: closed });
  const to = `127.0.0.1:${t.context.target.port}`;
  const fields = [
    "X-Smokescreen-Role: admin",
    "X-Upstream-Https-Proxy: http://127.0.0.1:1",
    "X-Forwarded-For: 10.0.0.1",
    "Flowstate-Policy: open",
    "Forwarded: for=10.0.0.1",
  ];
  t.is((await exchange(proxy, connectHead(proxy, to, fields))).status, 403);
  t.is(proxy.log()[0]?.["client"], "127.0.0.1");
});

test("a limit on bytes a second holds back both directions, and everything arrives", async (t) => {
  const bytesPerSecond = 400_000;
  await using proxy = await proxyWith({
    perSubject: { tunnels: null, newTunnelsPerSecond: null, bytesPerSecond },
  });
  const size = 500_000;
  const startedAt = performance.now();
  const socket = await tunnel(proxy, `127.0.0.1:${t.context.target.port}`);
  socket.end(Buffer.alloc(size, 7));
  t.true((await readAll(socket)).equals(Buffer.alloc(size, 7)));
  // A million bytes, of which one second's worth passes at once. A slow machine only makes it longer.
  const leastMs = ((2 * size - bytesPerSecond) / bytesPerSecond) * 1000 - 200;
  t.true(performance.now() - startedAt >= leastMs);
});

test("a limit on new tunnels a second -> 429 for the one too many", async (t) => {
  await using proxy = await proxyWith({
    perSubject: { tunnels: null, newTunnelsPerSecond: 1, bytesPerSecond: null },
  });
  const to = `127.0.0.1:${t.context.target.port}`;
  const answers = await Promise.all(Array.from({ length: 8 }, () => exchange(proxy, connectHead(proxy, to))));
  t.true(answers.some(({ status }) => status === 200));
  const refused = answers.find(({ status }) => status === 429);
  t.regex(refused?.head ?? "", /^retry-after: 1$/im);
});
