/** Files that come and go over REST: bills in, a month's exports out. */
import anyTest, { type TestFn } from "ava";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; key: string }>;

test.before(async (t) => {
  const running = await startRunning();
  const key = await running.apiKey("SETTINGS_INTEGRATIONS_UPDATE", "AI_INSIGHTS_VIEW");
  t.context = { running, key };
});
test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

const header = "date,amount,description,email\r\n";
const line = (day: number, amount = "1.25"): string =>
  `2026-10-${String(day).padStart(2, "0")},${amount},tokens,ada@example.com\r\n`;

async function send(
  { running, key }: { readonly running: Running; readonly key: string },
  body: string | ReadableStream<Uint8Array>,
  parameters: Readonly<Record<string, string>> = {},
) {
  const query = new URLSearchParams({ provider: "openai", fileName: "october.csv", ...parameters });
  const answer = await fetch(`${running.address}/api/v1/imports?${query}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "text/csv" },
    body,
    duplex: "half",
  } as RequestInit);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test("a file larger than any request of GraphQL is previewed, then imported whole", async ({
  context,
  ...t
}) => {
  const file =
    header +
    Array.from({ length: 30_000 }, (_, index) => line((index % 28) + 1, `1.${index + 10_000}`)).join("");
  t.true(file.length > 1_000_000);
  const preview = await send(context, file, { preview: "true" });
  t.is(preview.status, 200, JSON.stringify(preview.body));
  t.like(preview.body, { lines: 30_000, faultCount: 0, imported: null });
  const imported = await send(context, new Blob([file]).stream());
  t.is(imported.status, 201);
  t.like(imported.body, { imported: { added: 30_000, revised: 0 } });
  t.is((await send(context, file)).status, 409, "the same file again is refused");
});

test("one bad line is named by its number, and nothing is stored", async ({ context, ...t }) => {
  const { status, body } = await send(
    context,
    header + line(1) + "2026-10-02,a lot,tokens,ada@example.com\r\n",
    {
      fileName: "bad.csv",
    },
  );
  t.is(status, 422);
  t.like(body, { faultCount: 1, imported: null });
  t.like((body["faults"] as { line: number }[])[0], { line: 3 });
});

for (const [what, parameters, fault] of [
  ["no provider of ours", { provider: "nobody" }, /is no kind of provider/],
  ["an unknown parameter", { colour: "blue" }, /colour/],
] as const) {
  test(`${what} is refused in one sentence`, async ({ context, ...t }) => {
    const { status, body } = await send(context, header, parameters);
    t.is(status, 400);
    t.regex(JSON.stringify(body), fault);
  });
}

test("who may only look may not import, but takes a month's files", async ({ context, ...t }) => {
  const { running } = context;
  const key = await running.apiKey("AI_INSIGHTS_VIEW");
  t.is((await send({ running, key }, header)).status, 403);
  const get = (path: string) =>
    fetch(`${running.address}/api/v1/exports/${path}`, { headers: { authorization: `Bearer ${key}` } });
  const focus = await get("focus?period=2026-09");
  t.is(focus.status, 200);
  t.is(focus.headers.get("content-disposition"), 'attachment; filename="focus-2026-09.csv"');
  t.regex(await focus.text(), /^BilledCost,BillingAccountId,/);
  t.is(
    (await get("journal?period=2026-09&format=beancount")).headers.get("content-type"),
    "text/plain; charset=utf-8",
  );
  t.is((await get("focus?period=September")).status, 400);
  t.is((await fetch(`${running.address}/api/v1/exports/focus?period=2026-09`)).status, 401);
});
