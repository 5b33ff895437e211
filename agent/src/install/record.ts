import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, posix, win32 } from "node:path";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import { claimUpgrade } from "../local/instance.ts";
import { noChange, type Change, type Trace } from "../machine/change.ts";
import { windowsFolder } from "../machine/system32.ts";
import type { Person } from "./person.ts";
import type { Scope } from "./plan.ts";

/** What an installation has left on a machine: enough to take it back without knowing how it came there. */
export interface InstallRecord {
  readonly version: string;
  readonly scope: Scope;
  readonly person: Person;
  readonly dataFolder: string;
  /** Where whoever installed it has it report to; the settings of a machine are the person's, who could change that. */
  readonly controlPlane: string;
  /** SHA-256 of the authority that the installation made; null where it made none. */
  readonly authority: string | null;
  /** In the order in which they were made; the record's own first, for it goes last. */
  readonly traces: readonly Trace[];
}

/** Where the record is kept: not in the data folder, which may be removed by hand. */
export function recordFile(platform: NodeJS.Platform, scope: Scope, home: string): string {
  if (platform === "win32") return win32.join(windowsFolder, "installed.json");
  return scope === "system"
    ? "/var/lib/flowstate/installed.json"
    : join(home, ".local/state/flowstate/installed.json");
}

/** What an installation keeps beside its record; with the machine's, only an administrator can change it. */
export function besideRecord(
  name: "release-key" | "upgrade.json" | "upgrade.db",
  platform: NodeJS.Platform,
  scope: Scope,
  home: string,
): string {
  const { join, dirname } = platform === "win32" ? win32 : posix;
  return join(dirname(recordFile(platform, scope, home)), name);
}

/** Where a new program waits beside the one in place, and the old one is kept until the new one has proved itself. */
export function upgradeFolder(program: string): string {
  return join(dirname(program), ".flowstate-upgrade");
}

/**
 * Removes what upgrades have left beside the record, and beside the program where one was interrupted. Throws
 * FS_CONFLICT while one is under way, which would install everything again.
 */
export function forgetUpgrades({ traces }: InstallRecord, root: string): void {
  const own = traces[0]?.files[0];
  if (own === undefined) return;
  const folder = dirname(own);
  const lock = join(root, folder, "upgrade.db");
  if (existsSync(lock)) claimUpgrade(lock)[Symbol.dispose]();
  for (const name of ["upgrade.json", "upgrade.db", "upgrade.db-wal", "upgrade.db-shm"])
    rmSync(join(root, folder, name), { force: true });
  const program = traces.find(({ name }) => name === "program")?.files[0];
  if (program !== undefined) rmSync(join(root, upgradeFolder(program)), { recursive: true, force: true });
}

/** The record as a change like any other, so that it too is taken back with the folders it needed. */
export function recordChange(path: string, record: InstallRecord): Change {
  const content = `${JSON.stringify(record, null, 2)}\n`;
  const actor = record.scope === "user" ? record.person.owner : null;
  return { ...noChange, name: "record", files: [{ path, content, mode: 0o644 }], actor };
}

/** Null where nothing is installed. Throws FS_INPUT_INVALID for a record that cannot be read. */
export function readRecord(file: string): InstallRecord | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as InstallRecord;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    if (!(error instanceof SyntaxError)) throw error;
    throw new FlowstateError("FS_INPUT_INVALID", `${file} is no record of an installation`, { cause: error });
  }
}
