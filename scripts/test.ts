/**
 * `npm test`: the checks, then every test, then one line `N passed, N failed`. Arguments go to ava, so that
 * `npm test -- proxy/test/*.test.ts` runs a part.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { unpackChromium } from "../control-plane/test/support/chromium.ts";
import { roomiestFolder, startPostgres } from "../control-plane/test/support/postgres.ts";
import { migratedTemplate } from "../control-plane/test/support/postgres-template.ts";
import { buildWeb } from "./build-web.ts";

const compiled = fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url));

await Promise.all([buildWeb(), unpackChromium()]);
const checked = spawnSync(process.execPath, ["scripts/check.ts"], { stdio: "inherit" }).status === 0;
// One server for every test file that wants one; a file that is run alone starts its own.
const postgres = await startPostgres(roomiestFolder());
const { code, passed, summary } = await runAva(
  process.argv.slice(2),
  postgres === null
    ? {}
    : {
        FLOWSTATE_TEST_POSTGRES_URL: postgres.url,
        FLOWSTATE_TEST_POSTGRES_TEMPLATE: await migratedTemplate(postgres.url),
      },
);
await postgres?.stop();
const failed =
  count(summary, /(\d+) tests? failed/) + count(summary, /(\d+) (?:uncaught exception|unhandled rejection)/);
const skipped = count(summary, /(\d+) tests? skipped/);
const green = checked && code === 0;

process.stdout.write(
  `${passed} passed, ${green ? 0 : Math.max(1, failed)} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
);
process.exitCode = green ? 0 : 1;

/** Ava's own report goes through unchanged. Its last lines hold the counts, but that of what passed where all did. */
async function runAva(
  args: readonly string[],
  postgresEnv: NodeJS.ProcessEnv,
): Promise<{ code: number | null; passed: number; summary: string }> {
  const env = {
    ...process.env,
    // Hundreds of processes load the same modules: types are stripped once (https://nodejs.org/api/module.html#module-compile-cache).
    NODE_COMPILE_CACHE: compiled,
    ...postgresEnv,
  };
  const child = spawn("ava", args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let summary = "";
  let passed = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (/^\s+✔ /.test(line)) passed += 1;
  });
  child.stdout.on("data", (chunk: Buffer) => {
    process.stdout.write(chunk);
    summary = (summary + chunk.toString()).slice(-10_000);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, passed, summary };
}

function count(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
