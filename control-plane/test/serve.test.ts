/** Health, metrics, and what every answer has in common. */
import test from "ava";
import { startRunning } from "./support/running.ts";

test("it says that it lives, that it is ready, and what it counted, without naming anybody", async (t) => {
  await using running = await startRunning();
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${running.address}${path}`, { headers });
  t.deepEqual(await (await get("/healthz")).json(), { status: "ok" });
  t.deepEqual(await (await get("/readyz")).json(), { status: "ready" });
  await get("/nothing");
  const metrics = await get("/metrics");
  t.is(metrics.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await metrics.text();
  for (const line of text.trim().split("\n"))
    t.regex(line, /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{[^{}]*\})? \d+)$/);
  t.true(text.includes('flowstate_http_requests_total{method="GET",route="/healthz",status="200"} 1'));
  t.true(text.includes('route="none",status="404"'));
  t.false(text.includes("@"));
});

test("metrics behind a reverse proxy take the permission to see the audit log", async (t) => {
  await using running = await startRunning();
  const get = async (key?: string) => {
    const authorization: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const headers = { "x-forwarded-for": "192.0.2.7", ...authorization };
    return (await fetch(`${running.address}/metrics`, { headers })).status;
  };
  t.is(await get(), 401);
  t.is(await get(await running.apiKey("AI_INSIGHTS_VIEW")), 403);
  t.is(await get(await running.apiKey("AUDIT_VIEW")), 200);
});

test("an address that does not exist is a problem document", async (t) => {
  await using running = await startRunning();
  const answer = await fetch(`${running.address}/api/nothing`);
  t.is(answer.status, 404);
  t.is(answer.headers.get("content-type"), "application/problem+json; charset=utf-8");
  t.like(await answer.json(), { status: 404, code: "FS_NOT_FOUND" });
});

test("it listens on IPv6 as well", async (t) => {
  await using running = await startRunning({ env: { FLOWSTATE_HTTP_HOST: "::1" } });
  t.regex(running.address, /^http:\/\/\[::1\]:\d+$/);
  t.is((await fetch(`${running.address}/healthz`)).status, 200);
});
