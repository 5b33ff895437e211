import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { nodeFlags } from "../src/packaged/node-options.ts";
import { bindingAsset } from "../src/packaged/sqlite-binding.ts";
import { bundle } from "./bundle.ts";

const prebuilds = resolve(import.meta.dirname, "../../node_modules/better-sqlite3/prebuilds");

/**
 * The agent with Node and SQLite in one file, for the system this runs on
 * (https://nodejs.org/api/single-executable-applications.html). Resolves with the folders of the packages that are in it.
 */
export async function buildExecutable(output: string, version: string): Promise<readonly string[]> {
  const { platform, arch } = process;
  const [main, file] = [`${output}.mjs`, `${output}.json`];
  const packages = await bundle(main, version);
  const description = {
    main,
    mainFormat: "module",
    output,
    disableExperimentalSEAWarning: true,
    execArgv: nodeFlags,
    execArgvExtension: "none",
    assets: { [bindingAsset]: join(prebuilds, `${platform}-${arch}.node`) },
  };
  writeFileSync(file, JSON.stringify(description));
  execFileSync(process.execPath, ["--build-sea", file], { stdio: ["ignore", "ignore", "inherit"] });
  for (const each of [main, file]) rmSync(each);
  // macOS starts nothing whose signature does not fit; this one says only that the file is whole.
  if (platform === "darwin")
    execFileSync("codesign", ["--force", "--sign", "-", output], { stdio: "inherit" });
  return packages;
}
