#!/usr/bin/env -S node --max-semi-space-size=1
// Starts the program, on the Node that is bundled with the checkout where the system's is too old to run it.
// The flag is explained in src/packaged/node-options.ts.
import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync } from "node:fs";
import * as nodeModule from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const main = new URL("../src/main.ts", import.meta.url);
if (Number(process.versions.node.split(".")[0]) >= 24) {
  // Stripping types takes longer than scanning a small home folder; the stripped text is kept.
  const kept = process.env.NODE_COMPILE_CACHE ?? privateFolder();
  if (kept !== null) nodeModule.enableCompileCache(kept);
  await import(main.href);
} else {
  const node = nodeModule.createRequire(import.meta.url).resolve("node/bin/node");
  const args = [...process.execArgv, fileURLToPath(main), ...process.argv.slice(2)];
  const { status } = spawnSync(node, args, { stdio: "inherit" });
  process.exitCode = status ?? 70;
}

/** A folder that is closed to other users, who would decide what runs here if they could write to it; null where there is none. */
function privateFolder() {
  const uid = process.getuid?.() ?? null;
  // On Windows the temporary folder is the person's own.
  if (uid === null) return join(tmpdir(), "flowstate");
  const folder = join(tmpdir(), `flowstate-${uid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stat = lstatSync(folder);
    return stat.isDirectory() && stat.uid === uid && (stat.mode & 0o077) === 0 ? folder : null;
  } catch {
    return null;
  }
}
