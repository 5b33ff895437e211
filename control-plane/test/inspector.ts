/**
 * `npm run inspector -w control-plane`: the protocol's own Inspector, on its command line, lists tools and calls them by
 * an API key, by signing in, and by stepping up. It brings sixty packages, so it is installed into a temporary folder
 * and not with the rest.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "@flowstate/shared/testing/free-port";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { register, signedIn, type Browser } from "./support/connect.ts";
import { createFixtureSurface } from "./support/mcp-fixtures.ts";
import { startRunning, type Running } from "./support/running.ts";

const inspector = "@modelcontextprotocol/inspector@2.12.0";
const callbackUrl = `http://127.0.0.1:${await freePort()}/oauth/callback`;
const usageCall = ["--method", "tools/call", "--tool-name", "get_ai_usage_summary"];
const wideCall = ["--method", "tools/call", "--tool-name", "test_wider_scope", "--tool-arg", "value=changed"];

using folder = temporaryFolder();
process.stderr.write(`Installing ${inspector} …\n`);
await promisify(execFile)(
  "npm",
  ["install", "--prefix", folder.path, "--ignore-scripts", "--no-audit", "--no-fund", inspector],
  { shell: process.platform === "win32" },
);
await using usage = await startRunning();
await using fixture = await startRunning({ createMcp: () => createFixtureSurface("stateless") });

let failed = false;
for (const era of ["legacy", "modern"]) {
  const key = ["--header", `Authorization: Bearer ${await usage.apiKey("AI_INSIGHTS_VIEW")}`];
  await check(
    `${era}: lists the tools by an API key`,
    usage,
    era,
    [...key, "--method", "tools/list"],
    "get_ai_spend_by_team",
  );
  await check(`${era}: calls a tool by an API key`, usage, era, [...key, ...usageCall], '"currency":"USD"');
  const signIn = ["--relogin", "--callback-url", callbackUrl];
  await check(
    `${era}: registers, signs in and calls a tool`,
    usage,
    era,
    [...signIn, ...usageCall],
    '"currency":"USD"',
  );
  // It asks for a wider scope only when it was told of a client; one that registered itself it leaves without.
  const known = ["--client-id", await registerInspector(fixture)];
  await check(
    `${era}: signs in, steps up and calls a tool`,
    fixture,
    era,
    [...signIn, ...known, ...wideCall],
    "changed with ai.read fixture.write",
  );
}
if (failed) process.exitCode = 1;

async function check(
  title: string,
  running: Running,
  era: string,
  args: readonly string[],
  expected: string,
) {
  const { code, stdout, stderr } = await inspect(running, ["--protocol-era", era, ...args]);
  const passed = code === 0 && stdout.includes(expected);
  failed ||= !passed;
  process.stdout.write(`${passed ? "pass" : "FAIL"}  ${title}\n`);
  if (!passed) process.stdout.write(`${stdout}\n${stderr}\n`);
}

/** Runs it as somebody would who has a browser open beside it and agrees to everything. */
async function inspect(running: Running, args: readonly string[]) {
  const bin = join(
    folder.path,
    "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js",
  );
  const target = ["--server-url", `${running.address}/mcp`, "--transport", "http", "--format", "json"];
  const child = spawn(process.execPath, [bin, "--cli", ...target, ...args], {
    env: {
      ...process.env,
      HOME: folder.path,
      MCP_INSPECTOR_SECRET_STORE: "memory",
      // Without a terminal it offers a sign-in only where it may open a browser; the one it opens does nothing.
      MCP_AUTO_OPEN_ENABLED: "true",
      BROWSER: "true",
      DISPLAY: "",
    },
  });
  child.stdin.end("y\n");
  const browser = await signedIn(running);
  const visited = new Map<string, Promise<string>>();
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (stdout += piece));
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    stderr += piece;
    for (const [url] of stderr.matchAll(/http:\S+\/oauth\/authorize\?\S+(?=\n)/g)) {
      if (!visited.has(url)) visited.set(url, visit(browser, url));
    }
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr: [stderr, ...(await Promise.all(visited.values()))].join("\n") };
}

/** What became of it, for whoever reads why a row failed. */
async function visit(browser: Browser, url: string): Promise<string> {
  const back = await browser.decide(new URL(url));
  return fetch(back).then(({ status }) => `${back.origin} answered ${status}`, String);
}

async function registerInspector(running: Running): Promise<string> {
  const answer = await register(running, { client_name: "Inspector", redirect_uris: [callbackUrl] });
  return ((await answer.json()) as { client_id: string }).client_id;
}
