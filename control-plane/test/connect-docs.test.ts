/** The examples of docs/connect.md, run as they stand there. */
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import test from "ava";
import { startRunning } from "./support/running.ts";

const page = readFileSync(new URL("../../docs/connect.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^```sh run\n(.*?)^```$/gms)].map(([, text = ""]) => text);

test("every example of docs/connect.md works", async (t) => {
  t.is(examples.length, 6);
  if (spawnSync("curl", ["--version"]).error !== undefined) {
    t.log("not tried: no curl on this machine");
    return;
  }
  await using running = await startRunning();
  const key = await running.apiKey("AI_INSIGHTS_VIEW", "DIRECTORY_UPDATE", "AUDIT_VIEW");
  const { PATH } = process.env;
  const env = { PATH, FLOWSTATE_URL: running.address, API_KEY: key };
  for (const example of examples) {
    const { stdout } = await promisify(execFile)("sh", ["-e", "-c", example], { env, timeout: 60_000 });
    t.notRegex(stdout, /"errors"|"isError":true/, example);
  }
});
