import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { signRelease } from "@flowstate/shared/release-signature";
import type { ReleaseManifest } from "@flowstate/shared/wire/release";

/** What is made. */
interface Made {
  readonly version: string;
  readonly platform: string;
  /** The private release key as PEM; null leaves the release unsigned. */
  readonly signKey: string | null;
}

/** The manifest of a packaged agent, released now. */
export async function manifestOf(
  executable: string,
  { version, platform, signKey }: Made,
): Promise<ReleaseManifest> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(executable), hash);
  const manifest = {
    version,
    platform,
    size: statSync(executable).size,
    sha256: hash.digest("hex"),
    releasedAt: new Date().toISOString(),
  };
  return signKey === null ? { ...manifest, signature: null } : signRelease(manifest, signKey);
}
