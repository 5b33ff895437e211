/** The agent as one module, as the single executable holds it; `npm run package -w agent` builds and proves that itself. */
import { execFile, type ExecFileException } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { bundle } from "../scripts/bundle.ts";
import { version } from "../src/version.ts";
import { claudeRow, newPerson } from "./support/person.ts";

test("one module holds everything that a scan needs, prices and version too", async (t) => {
  await using person = newPerson();
  person.write(".claude/projects/-src-api/s1.jsonl", claudeRow("msg_1"));
  const module = join(person.home, "flowstate.mjs");
  const packages = await bundle(module, version);
  t.true(packages.some((folder) => folder.endsWith("better-sqlite3")));
  const run = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [module, ...args], { env: { HOME: person.home } })).stdout;
  t.true(
    readFileSync(module).every((byte) => byte < 128),
    "one byte a character is all that Node needs to hold it",
  );
  const { stderr } = await t.throwsAsync<ExecFileException>(run("run"));
  t.regex(String(stderr), /the organisation's key, fsk_…/);
  t.is(await run("--version"), `${version}\n`);
  const { totals } = JSON.parse(await run("scan", "--json")) as { totals: object };
  t.like(totals, { calls: 1, inputTokens: 100, costUsd: "0.00045" });
});
