/** The outside judge: what of the protocol's own conformance suite needs no fixture tools, and all of its authorization part. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import anyTest, { type TestFn } from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { register, signedIn } from "./support/connect.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running }>;
const packageFile = createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json");
const judge = join(dirname(packageFile), "dist/index.js");

test.before(async (t) => {
  t.context = { running: await startRunning() };
});
test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

/** Runs the judge to its end, showing each piece of its output on the way. Returns everything it printed. */
async function run(
  args: readonly string[],
  onOutput: (text: string) => void = () => undefined,
): Promise<string> {
  using folder = temporaryFolder();
  const child = spawn(process.execPath, [judge, ...args], {
    cwd: folder.path,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      onOutput(text);
    });
  }
  await once(child, "close");
  return text;
}

/** An address that adds an API key, because the judge carries none. */
async function withKey(running: Running) {
  const key = await running.apiKey("AI_INSIGHTS_VIEW");
  const target = new URL(running.address);
  const server = createServer((incoming, outgoing) => {
    const { host = "", origin } = incoming.headers;
    const own = origin === `http://${host}` && host.endsWith(String((server.address() as AddressInfo).port));
    const headers = {
      ...incoming.headers,
      authorization: `Bearer ${key}`,
      ...(own ? { origin: target.origin } : {}),
    };
    const { method, url: path } = incoming;
    const { hostname, port } = target;
    const forwarded = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    outgoing.on("close", () => forwarded.destroy());
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

for (const [revision, scenario] of [
  ["2025-11-25", "server-initialize"],
  ["2025-11-25", "ping"],
  ["2025-11-25", "tools-list"],
  ["2025-11-25", "dns-rebinding-protection"],
  ["2026-07-28", "tools-list"],
  ["2026-07-28", "dns-rebinding-protection"],
  ["2026-07-28", "http-header-validation"],
] as const) {
  test.serial(`${scenario} of ${revision} passes`, async ({ context: { running }, ...t }) => {
    await using front = await withKey(running);
    const args = ["server", "--url", front.url, "--scenario", scenario, "--spec-version", revision];
    const text = await run(args);
    t.regex(text, /Passed: (\d+)\/\1, 0 failed|[1-9]\d* passed, 0 failed/, text);
  });
}

test.serial(
  "server-stateless passes but for the four checks that take fixture tools",
  async ({ context: { running }, ...t }) => {
    await using front = await withKey(running);
    const text = await run([
      "server",
      "--url",
      front.url,
      "--scenario",
      "server-stateless",
      "--spec-version",
      "2026-07-28",
    ]);
    t.regex(text, /Passed: 24\/28, 4 failed/, text);
    t.is(text.split("Error: Not testable").length - 1, 4, text);
  },
);

test.serial("the authorization suite passes", async ({ context: { running }, ...t }) => {
  const port = await freePort();
  const metadata = { client_name: "judge", redirect_uris: [`http://127.0.0.1:${port}/callback`] };
  const { client_id: clientId } = (await (await register(running, metadata)).json()) as { client_id: string };
  const browser = await signedIn(running);
  const asked: Promise<unknown>[] = [];
  const args = ["authorization", "--url", running.address, "--client-id", clientId];
  const text = await run(
    [...args, "--resource", `${running.address}/mcp`, "--port", String(port)],
    (output) => {
      const url = /^http:\S+\/oauth\/authorize\?\S+$/m.exec(output)?.[0];
      if (url !== undefined && output.includes("Callback server started")) {
        if (asked.length === 0) asked.push(browser.decide(new URL(url)).then((back) => fetch(back)));
      }
    },
  );
  await Promise.all(asked);
  t.regex(text, /Total: 3 passed, 0 failed/, text);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
