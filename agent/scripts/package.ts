/**
 * `npm run package -w agent`: the agent as a single executable for the system this runs on, in `agent/dist`, with the
 * licences of what is in it, SHA-256 sums and the manifest of a release, which `-- --sign-key FILE` signs; then the
 * executable is run, without Node or the checkout in reach.
 */
import { createHash } from "node:crypto";
import {
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { version } from "../src/version.ts";
import { callerPath } from "./caller-path.ts";
import { buildExecutable } from "./executable.ts";
import { manifestOf } from "./manifest.ts";
import { prove } from "./prove.ts";

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");
const { platform, arch } = process;
const { values: flags } = parseArgs({ options: { "sign-key": { type: "string" } } });
// Read before anything is built: a key that is not there is said at once.
const signKey = flags["sign-key"] === undefined ? null : readFileSync(callerPath(flags["sign-key"]), "utf8");
const name = `flowstate-${platform}-${arch}${platform === "win32" ? ".exe" : ""}`;

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const executable = join(dist, name);
const packages = await buildExecutable(executable, version);
writeFileSync(join(dist, "LICENSES.txt"), licences(packages));
await prove(executable, version);
writeFileSync(join(dist, "SHA256SUMS"), await sums([executable, join(dist, "LICENSES.txt")]));
const manifest = await manifestOf(executable, { version, platform: `${platform}-${arch}`, signKey });
writeFileSync(join(dist, "release.json"), `${JSON.stringify(manifest, null, 2)}\n`);
const megabytes = Math.round(statSync(executable).size / 1e6);
process.stdout.write(
  `${executable}: ${version}, ${megabytes} MB, it runs; ${manifest.signature === null ? "not signed" : `signed with ${manifest.signature.key}`}\n${readFileSync(join(dist, "SHA256SUMS"), "utf8")}`,
);

/** What is in the executable, by name, version and licence: Node, the packages, and the list of prices. */
function licences(folders: readonly string[]): string {
  const node = `node ${process.versions.node} (MIT, and those of its parts: https://github.com/nodejs/node/blob/v${process.versions.node}/LICENSE)`;
  const prices = readFileSync(resolve(root, "../shared/src/prices/book.data.LICENSE"), "utf8").trim();
  const packages = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      readonly name: string;
      readonly version: string;
      readonly license?: string;
    };
    const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
    const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
    return [`${name} ${version} (${license ?? "no licence named"})`, ...texts].join("\n\n");
  });
  return [node, ...packages, prices].join(`\n\n${"-".repeat(72)}\n\n`).concat("\n");
}

/** In the form of sha256sum(1), which `sha256sum --check SHA256SUMS` reads. */
async function sums(files: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const file of files) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(file), hash);
    lines.push(`${hash.digest("hex")}  ${basename(file)}\n`);
  }
  return lines.join("");
}
