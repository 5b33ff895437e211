import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "@flowstate/shared/errors";
import { claimInstance } from "../local/instance.ts";
import { removeEmptyFolder } from "../machine/change.ts";

/** Everything that the agent itself puts into its data folder, with what SQLite and a write by renaming leave beside it. */
const own = [
  /^(?:instance|ledger|outbox|fluency|captures)\.db(?:-wal|-shm|-journal)?$/,
  /^(?:scan\.cache|policy\.json)(?:\.\w+)?$/,
  /^agent(?:-stderr)?\.log(?:\.1)?$/,
  /^captures\.key(?:\.new)?$/,
  /^agent\.sock$/,
  /^flowstate\.env$/,
  /^tls$/,
];

/**
 * Removes the agent's data, and its folder where nothing else is in it: a folder that was set may hold what is none of
 * the agent's. Throws FS_ALREADY_RUNNING while an agent that somebody has started by hand writes there.
 */
export function removeData(folder: string): void {
  if (existsSync(join(folder, "instance.db"))) claimInstance(folder)[Symbol.dispose]();
  for (const name of namesIn(folder))
    if (isOwn(name)) rmSync(join(folder, name), { recursive: true, force: true });
  removeEmptyFolder(folder);
}

export function isOwn(name: string): boolean {
  return own.some((pattern) => pattern.test(name));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
