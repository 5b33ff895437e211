/**
 * One million lines of a bill, pulled over HTTP from a vendor in another process, and stored on SQLite; then the same
 * pull once more, which changes nothing. Last accepted, on 2 shared cores: 20,200 lines/s, then 27,200 lines/s, and a peak
 * of 217 MB (366 MB without `preferMemory`).
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { systemClock } from "@flowstate/shared/clock";
import { newOrgId } from "@flowstate/shared/ids";
import { createLogger } from "@flowstate/shared/log";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { addDays, type UsageDate } from "@flowstate/shared/time";
import { createEvents } from "../src/events.ts";
import { preferMemory } from "../src/memory.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import { addProvider } from "../src/providers/actions.ts";
import { anthropic } from "../src/providers/anthropic/connector.ts";
import { syncNow } from "../src/providers/sync.ts";
import { openStore } from "../src/store/open.ts";

const linesInAll = 1_000_000;
const linesInDay = 5000;
const days = linesInAll / linesInDay;
const firstDay = "2026-01-01" as UsageDate;
const key = "sk-ant-admin01-bench";

if (process.send !== undefined) await serveVendor();
else {
  preferMemory();
  await measure();
}

/** Days of 5,000 lines, one day a page. */
async function serveVendor(): Promise<void> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://vendor");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answer(url)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send?.((server.address() as AddressInfo).port);
  process.once("disconnect", () => process.exit());
}

function answer({ pathname, searchParams }: URL): unknown {
  if (pathname.endsWith("/me")) return { id: "org_bench" };
  if (!pathname.endsWith("/cost_report"))
    return { data: [], has_more: false, next_page: null, last_id: null };
  const day = (searchParams.get("page") ?? searchParams.get("starting_at") ?? "").slice(0, 10) as UsageDate;
  const next = addDays(day, 1);
  const more = next < (searchParams.get("ending_at") ?? "").slice(0, 10);
  const isPast = day < addDays(firstDay, days);
  const results = Array.from({ length: isPast ? linesInDay : 0 }, (_, index) => ({
    amount: `${index}.${day.slice(-2)}`,
    currency: "USD",
    cost_type: "tokens",
    description: `Claude Sonnet 5 Usage - line ${index}`,
    model: "claude-sonnet-5",
    token_type: "output_tokens",
    service_tier: "standard",
    context_window: "0-200k",
    inference_geo: "global",
    workspace_id: `wrkspc_${index % 50}`,
  }));
  return {
    data: [{ starting_at: `${day}T00:00:00Z`, results }],
    has_more: more,
    next_page: more ? next : null,
  };
}

async function measure(): Promise<void> {
  const vendor = fork(new URL(import.meta.url));
  const [port] = (await once(vendor, "message")) as [number];
  using folder = temporaryFolder();
  await using store = await openStore({ kind: "sqlite", file: join(folder.path, "control-plane.db") });
  const orgId = newOrgId();
  const now = Date.now();
  await store.transact((db) => createOrg(db, { orgId, slug: "bench", now }));
  const services = {
    store,
    master: { id: "bench", wrapping: Buffer.alloc(32, 1), pepper: Buffer.alloc(32, 2) },
    // The vendor's pace is not what is measured here.
    clock: { now: systemClock.now, sleep: async () => undefined },
    events: createEvents(createLogger("bench", "silent")),
    findConnector: () => anthropic,
    baseUrlAllowed: true,
  };
  const never = new AbortController().signal;
  const inputs = [
    { name: "adminKey", value: key },
    { name: "baseUrl", value: `http://127.0.0.1:${port}` },
  ];
  const context = { orgId, actor: "bench", now };
  const { integration } = await addProvider(
    services,
    context,
    { kind: "ANTHROPIC", name: null, inputs },
    never,
  );
  const window = { from: firstDay, until: addDays(firstDay, days - 1) };
  for (const what of ["first pull", "second pull, nothing new"]) {
    const start = performance.now();
    const { lines, added, revised } = await syncNow(
      services,
      orgId,
      integration.providerId,
      window,
      "request",
      never,
    );
    const seconds = (performance.now() - start) / 1000;
    const peak = Math.round(process.resourceUsage().maxRSS / 1024);
    print(
      what,
      `${lines} lines, ${added} new, ${revised} restated, ${Math.round(lines / seconds)}/s, peak ${peak} MB`,
    );
  }
  vendor.disconnect();
}

function print(what: string, figures: string): void {
  process.stdout.write(`${what.padEnd(28)}${figures}\n`);
}
