/** Installs the dependencies when they are missing or differ from the lockfile. Plain JavaScript: it runs on any Node. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

function packagesIn(file) {
  const url = new URL(file, root);
  return existsSync(url) ? JSON.parse(readFileSync(url, "utf8")).packages : {};
}

function upToDate() {
  const installed = packagesIn("node_modules/.package-lock.json");
  const locked = Object.entries(packagesIn("package-lock.json"));
  return (
    existsSync(new URL("node_modules/node/bin", root)) &&
    locked.every(
      ([path, { version, link, optional }]) =>
        !path.startsWith("node_modules/") || link || optional || installed[path]?.version === version,
    )
  );
}

// Not `npm ci`: it refuses a lockfile that leaves out optional packages of other systems, as registries do that lack them.
if (!upToDate()) {
  process.stderr.write("Installing dependencies (first run, or the lockfile changed) …\n");
  const { status } = spawnSync(
    "npm",
    ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: fileURLToPath(root),
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32",
    },
  );
  if (status !== 0) {
    process.stderr.write("npm install failed; its own words are above.\n");
    process.exit(status ?? 1);
  }
}
