/** `node scripts/build-web.ts`: builds the web application when it is missing or its sources have changed since. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../control-plane/web");
const stamp = join(root, "dist/.sources");

export async function buildWeb(): Promise<"built" | "up to date"> {
  const sources = hashOfSources();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return "up to date";
  // Loaded only when there is something to build: the supervisor that asks lives long.
  const { build } = await import("vite");
  await build({ root, configFile: join(root, "vite.config.ts"), logLevel: "warn" });
  writeFileSync(stamp, sources);
  return "built";
}

function hashOfSources(): string {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => !/[\\/](?:dist|\.types)[\\/]/.test(file))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(file.slice(root.length)).update("\0").update(readFileSync(file));
  return hash.digest("hex");
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${await buildWeb()}\n`);
