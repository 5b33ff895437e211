/**
 * `npm run package -w agent`: the agent as a single executable, in `agent/dist/SYSTEM-PROCESSOR` with the licences of
 * what is in it and the manifest of a release, which `-- --sign-key FILE` signs; SHA-256 sums of everything beside those
 * folders. For the system that this runs on, for those that `--target` names, or for `--all`. The one for this system is
 * then run, without Node or the checkout in reach. `--manifests-only` makes manifests and sums of executables that have
 * been made before, and signed since for Gatekeeper or SmartScreen.
 */
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { version } from "../src/version.ts";
import { callerPath } from "./caller-path.ts";
import { buildExecutable, partsFor } from "./executable.ts";
import { licences } from "./licences.ts";
import { manifestOf } from "./manifest.ts";
import { prove } from "./prove.ts";
import { chooseTargets, everyTarget, executableName, type Target } from "./targets.ts";

const dist = resolve(import.meta.dirname, "../dist");
const { values: flags } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    target: { type: "string", multiple: true, default: [] },
    "sign-key": { type: "string" },
    "manifests-only": { type: "boolean", default: false },
  },
});
const chosen = chooseTargets({ all: flags.all, named: flags.target });
// Read before anything is built: a key that is not there is said at once.
const signKey = flags["sign-key"] === undefined ? null : readFileSync(callerPath(flags["sign-key"]), "utf8");

if (!flags["manifests-only"]) {
  rmSync(dist, { recursive: true, force: true });
  for (const target of chosen) await makeExecutable(target);
}
for (const target of chosen) await makeManifest(target);
writeFileSync(
  join(dist, "SHA256SUMS"),
  await sums(everyTarget.filter((target) => existsSync(join(dist, target)))),
);
process.stdout.write(readFileSync(join(dist, "SHA256SUMS"), "utf8"));

async function makeExecutable(target: Target): Promise<void> {
  using fetched = temporaryFolder();
  const folder = join(dist, target);
  mkdirSync(folder, { recursive: true });
  const executable = join(folder, executableName(target));
  const parts = partsFor(target, fetched.path);
  const packages = await buildExecutable(executable, { version, target, parts });
  writeFileSync(join(folder, "LICENSES.txt"), licences(parts.node, packages));
  const runsHere = target === `${process.platform}-${process.arch}`;
  if (runsHere) await prove(executable, version);
  const megabytes = Math.round(statSync(executable).size / 1e6);
  process.stdout.write(
    `${executable}: ${version}, ${megabytes} MB, ${runsHere ? "it runs" : "not run here"}\n`,
  );
}

async function makeManifest(target: Target): Promise<void> {
  const folder = join(dist, target);
  const executable = join(folder, executableName(target));
  const manifest = await manifestOf(executable, { version, platform: target, signKey });
  writeFileSync(join(folder, "release.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const signed = manifest.signature === null ? "not signed" : `signed with ${manifest.signature.key}`;
  process.stdout.write(`${target}: the release is ${signed}\n`);
}

/** In the form of sha256sum(1), which `sha256sum --check SHA256SUMS` reads. */
async function sums(targets: readonly Target[]): Promise<string> {
  const names = targets.flatMap((target) => [
    `${target}/${executableName(target)}`,
    `${target}/LICENSES.txt`,
  ]);
  const lines: string[] = [];
  for (const name of names) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(dist, name)), hash);
    lines.push(`${hash.digest("hex")}  ${name}\n`);
  }
  return lines.join("");
}
