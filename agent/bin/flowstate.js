#!/usr/bin/env -S node --max-semi-space-size=2
// Starts the program, on the Node that is bundled with the checkout where the system's is too old to run it.
// A reader of logs makes much short-lived garbage: a small nursery keeps it in the processor's cache and memory low.
import { spawnSync } from "node:child_process";
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";

const main = new URL("../src/main.ts", import.meta.url);
if (Number(process.versions.node.split(".")[0]) >= 24) {
  // Stripping types takes longer than scanning a small home folder; the stripped text is kept.
  nodeModule.enableCompileCache();
  await import(main.href);
} else {
  const node = nodeModule.createRequire(import.meta.url).resolve("node/bin/node");
  const args = [...process.execArgv, fileURLToPath(main), ...process.argv.slice(2)];
  const { status } = spawnSync(node, args, { stdio: "inherit" });
  process.exitCode = status ?? 70;
}
