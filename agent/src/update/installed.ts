import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { ErrorCode } from "@flowstate/shared/errors";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import type { ReleaseKey } from "@flowstate/shared/release-signature";
import type { Surroundings } from "../install/prepare.ts";
import { besideRecord, readRecord, recordFile, type InstallRecord } from "../install/record.ts";
import { readReleaseKey } from "./release-key.ts";

/** The installation that the running program belongs to. */
export interface Installed {
  readonly record: InstallRecord;
  /** Where the program is. */
  readonly target: string;
  /** Null where the installation was given none. */
  readonly key: ReleaseKey | null;
  readonly journalFile: string;
  readonly lockFile: string;
}

/** Finds the installation whose program runs now; the reason is the code of the error that its absence is. */
export function findInstalled({ platform, root, program, self }: Surroundings): Parsed<Installed, ErrorCode> {
  if (platform !== "linux" && platform !== "darwin" && platform !== "win32")
    return refuse("FS_INPUT_INVALID", `the agent is not installed on ${platform}`);
  if (program.kind === "checkout")
    return refuse(
      "FS_INPUT_INVALID",
      "this agent runs from its sources; bring those up to date, then run `flowstate install` again",
    );
  const running = realpathOf(program.file);
  for (const scope of ["system", "user"] as const) {
    const record = readRecord(join(root, recordFile(platform, scope, self.home)));
    const path = record?.traces.find(({ name }) => name === "program")?.files[0];
    if (record === null || path === undefined) continue;
    const target = join(root, path);
    if (running === null || realpathOf(target) !== running) continue;
    const beside = (name: Parameters<typeof besideRecord>[0]): string =>
      join(root, besideRecord(name, platform, scope, self.home));
    return ok({
      record,
      target,
      key: readReleaseKey(beside("release-key")),
      journalFile: beside("upgrade.json"),
      lockFile: beside("upgrade.db"),
    });
  }
  return refuse(
    "FS_NOT_FOUND",
    "this program is not the installed one; `flowstate install` puts it in its place",
  );
}

/**
 * The key to upgrade with; else the code and the sentence of what is missing. `uid` is whoever upgrades, undefined on
 * Windows, which lets an administrator alone write where the program is.
 */
export function keyToUpgradeWith(
  { record, key }: Pick<Installed, "key"> & { readonly record: Pick<InstallRecord, "scope"> },
  uid: number | undefined,
): Parsed<ReleaseKey, ErrorCode> {
  if (record.scope === "system" && (uid ?? 0) !== 0)
    return refuse(
      "FS_FORBIDDEN",
      "the agent is installed for the machine; upgrade it as an administrator (sudo)",
    );
  if (key === null)
    return refuse(
      "FS_CONFIG_INVALID",
      "FLOWSTATE_RELEASE_KEY: this device was installed without a release key, and what comes cannot be checked; run `flowstate install --release-key KEY`, or `flowstate install` with the new program",
    );
  return ok(key);
}

function realpathOf(file: string): string | null {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}
