import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { koffiAsset, sqliteAsset } from "../src/packaged/native.ts";
import { daemonFlags } from "../src/packaged/node-options.ts";
import { bundle } from "./bundle.ts";
import { fetchPackage } from "./fetch-package.ts";
import { signMachO } from "./sign-mach-o.ts";
import { isWindows, koffiPackage, nodeVersion, targets, type Target } from "./targets.ts";
import { unsignPe } from "./unsign-pe.ts";

const prebuilds = resolve(import.meta.dirname, "../../node_modules/better-sqlite3/prebuilds");

/** The parts of an executable that are not in the checkout. */
export interface Parts {
  /** Node for the target. */
  readonly node: string;
  /** Folder of the package with Koffi's native part; null where it is not needed. */
  readonly koffi: string | null;
}

/** What an executable for a target is made of, fetched into `folder`: the same bytes, whichever system packages it. */
export function partsFor(target: Target, folder: string): Parts {
  const fetched = fetchPackage({ ...targets[target], version: nodeVersion }, join(folder, "node"));
  const node = join(fetched, "bin", isWindows(target) ? "node.exe" : "node");
  if (!isWindows(target)) return { node, koffi: null };
  writeFileSync(node, unsignPe(readFileSync(node)));
  return { node, koffi: fetchPackage(koffiPackage(), join(folder, "koffi")) };
}

/**
 * The agent with Node and its native parts in one file (https://nodejs.org/api/single-executable-applications.html), for
 * the system that those are for. Resolves with the folders of the packages that are in it.
 */
export async function buildExecutable(
  output: string,
  { version, target, parts }: { readonly version: string; readonly target: Target; readonly parts: Parts },
): Promise<readonly string[]> {
  const { node, koffi } = parts;
  const [main, file] = [`${output}.mjs`, `${output}.json`];
  const packages = await bundle(main, version);
  const description = {
    main,
    mainFormat: "module",
    executable: node,
    output,
    disableExperimentalSEAWarning: true,
    execArgv: daemonFlags,
    execArgvExtension: "none",
    assets: {
      [sqliteAsset]: join(prebuilds, `${target}.node`),
      ...(koffi === null ? {} : { [koffiAsset]: join(koffi, "win32_x64/koffi.node") }),
    },
  };
  writeFileSync(file, JSON.stringify(description));
  execFileSync(process.execPath, ["--build-sea", file], { stdio: ["ignore", "ignore", "inherit"] });
  for (const each of [main, file]) rmSync(each);
  chmodSync(output, 0o755);
  if (target.startsWith("darwin-")) writeFileSync(output, signMachO(readFileSync(output), "flowstate"));
  return koffi === null ? packages : [...packages, koffi];
}
