import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A package of the npm registry, by the SHA-512 of its archive. */
export interface Pinned {
  readonly name: string;
  readonly version: string;
  /** In the form of a lock file: `sha512-` and base64. */
  readonly integrity: string;
}

/**
 * Fetches a package into a folder and resolves with where it lies. npm does it, from the registry that its configuration
 * names and out of its cache the second time. Throws for an archive that is not the one that is pinned.
 */
export function fetchPackage({ name, version, integrity }: Pinned, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const spec = `${name}@${version}`;
  const printed = npm(
    "pack",
    spec,
    "--json",
    "--ignore-scripts",
    "--prefer-offline",
    "--pack-destination",
    folder,
  );
  const [{ filename }] = JSON.parse(printed) as readonly [{ readonly filename: string }];
  const archive = join(folder, filename);
  checkIntegrity(spec, readFileSync(archive), integrity);
  // Linux, macOS and Windows 10 have it; names are relative to where it runs, for GNU's takes `C:` for a host.
  execFileSync("tar", ["-xzf", filename], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  rmSync(archive);
  return join(folder, "package");
}

export function checkIntegrity(spec: string, archive: Buffer, pinned: string): void {
  const found = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
  if (found !== pinned)
    throw new Error(`${spec} is not the archive that is pinned: ${found} and not ${pinned}`);
}

/** npm as this was started by, else the one in the path; on Windows that is a batch file, which nothing else can start. */
function npm(...args: readonly string[]): string {
  const own = process.env["npm_execpath"] ?? null;
  const [program, ...before] = own === null ? ["npm"] : [process.execPath, own];
  return execFileSync(program, [...before, ...args, "--loglevel=error"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  });
}
