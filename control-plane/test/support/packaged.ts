import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signRelease } from "@flowstate/shared/release-signature";
import type { ReleaseManifest } from "@flowstate/shared/wire/release";

export interface Packaged {
  readonly folder: string;
  readonly manifest: ReleaseManifest;
  readonly program: Buffer;
}

export interface PackagedOptions {
  readonly version: string;
  readonly platform?: string;
  readonly program?: Buffer;
  /** PEM of the private release key; without it the release is unsigned. */
  readonly signKey?: string;
}

/** A folder as `npm run package -w agent` leaves it, with a program of a few bytes. */
export function packageRelease(
  under: string,
  { version, platform = "linux-x64", program = randomBytes(4000), signKey }: PackagedOptions,
): Packaged {
  const folder = join(under, `${platform}-${version}-${randomBytes(4).toString("hex")}`);
  mkdirSync(folder, { recursive: true });
  const unsigned = {
    version,
    platform,
    size: program.length,
    sha256: createHash("sha256").update(program).digest("hex"),
    releasedAt: "2026-11-20T10:00:00Z",
  };
  const manifest = signKey === undefined ? { ...unsigned, signature: null } : signRelease(unsigned, signKey);
  writeFileSync(join(folder, `flowstate-${platform}`), program);
  writeFileSync(join(folder, "release.json"), JSON.stringify(manifest));
  return { folder, manifest, program };
}
