import { hkdfSync, randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "@flowstate/shared/errors";

const secretBytes = 32;

/** Beside the database and never in it: whoever has the one alone has nothing. */
function keyFile(dataFolder: string): string {
  return join(dataFolder, "captures.key");
}

/** The key that this installation seals with; null where there is none, or none that is whole. */
export function readCaptureKey(dataFolder: string): Buffer | null {
  try {
    const secret = readFileSync(keyFile(dataFolder));
    return secret.length === secretBytes ? derive(secret) : null;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** The key of this installation, made where there is none. */
export function openCaptureKey(dataFolder: string): Buffer {
  const known = readCaptureKey(dataFolder);
  if (known !== null) return known;
  const secret = randomBytes(secretBytes);
  const file = keyFile(dataFolder);
  writeFileSync(`${file}.new`, secret, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return derive(secret);
}

/** Makes everything that was sealed unreadable. It takes no room on the disk. */
export function destroyCaptureKey(dataFolder: string): void {
  rmSync(keyFile(dataFolder), { force: true });
}

/** RFC 5869, so that the secret serves this purpose alone. */
function derive(secret: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", "flowstate captures v1", 32));
}
