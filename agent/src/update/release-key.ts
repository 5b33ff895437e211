import { readFileSync } from "node:fs";
import { systemCode } from "@flowstate/shared/errors";
import { parseReleaseKey, type ReleaseKey } from "@flowstate/shared/release-signature";

/** The key that releases are held against, as the installation stored it; null where it stored none that can be read. */
export function readReleaseKey(file: string): ReleaseKey | null {
  try {
    const parsed = parseReleaseKey(readFileSync(file, "utf8"));
    return parsed.ok ? parsed.value : null;
  } catch (error) {
    if (["ENOENT", "EACCES", "ENOTDIR"].includes(systemCode(error) ?? "")) return null;
    throw error;
  }
}
