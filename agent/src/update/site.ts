import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  chmodSync,
  renameSync,
  rmSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { FlowstateError, reasonOf } from "@flowstate/shared/errors";
import { upgradeFolder } from "../install/record.ts";

const execute = promisify(execFile);
const isWindows = process.platform === "win32";

/** Where a program is and is replaced: everything that happens to files happens here. */
export interface Site {
  /** The program in place. */
  readonly target: string;
  /** Folder beside it, on the same file system, where a new program waits and the old one is kept. */
  readonly workFolder: string;
  readonly fresh: string;
  readonly previous: string;
}

export function siteOf(target: string): Site {
  const workFolder = upgradeFolder(target);
  // Windows starts nothing without its extension.
  const at = (name: string): string => join(workFolder, `${name}${extname(target)}`);
  return { target, workFolder, fresh: at("fresh"), previous: at("previous") };
}

/**
 * An empty work folder that is open to nobody else. One that is there is taken over only if it is a folder of our own:
 * in a place where others may write, a link or a folder of theirs could be waiting. Throws FS_FORBIDDEN.
 */
export function openWorkFolder({ workFolder }: Site): void {
  const there = lstatSync(workFolder, { throwIfNoEntry: false });
  if (there !== undefined) {
    // Windows knows no such owner; there the folder is where an administrator alone may write.
    if (!there.isDirectory() || there.uid !== (process.geteuid?.() ?? there.uid))
      throw new FlowstateError("FS_FORBIDDEN", `${workFolder} is there and belongs to somebody else`);
    rmSync(workFolder, { recursive: true });
  }
  mkdirSync(workFolder, { mode: 0o700 });
  // Not left to the umask.
  chmodSync(workFolder, 0o700);
}

/** Windows keeps the old program as long as it runs, which upgrades; the next upgrade removes it, or the removal of all. */
export function closeWorkFolder({ workFolder }: Site): void {
  try {
    rmSync(workFolder, { recursive: true, force: true });
  } catch (error) {
    if (!isWindows) throw error;
  }
}

const proofMs = 60_000;

/** Makes what was fetched executable and has it say its version. Throws FS_UPSTREAM where it does not say this one. */
export async function proveProgram({ fresh }: Site, version: string, env: NodeJS.ProcessEnv): Promise<void> {
  chmodSync(fresh, 0o755);
  const said = await execute(fresh, ["--version"], { env, timeout: proofMs }).then(
    ({ stdout }) => stdout.trim(),
    (error: unknown) => reasonOf(error),
  );
  if (said !== version)
    throw new FlowstateError("FS_UPSTREAM", `${version} does not start here: ${said.slice(0, 200)}`);
}

/**
 * Puts the new program in place and keeps the old one: at every instant one of both is there, whole. On Windows, which
 * lets a program that runs be renamed and not be replaced, for an instant neither is.
 */
export async function swap({ target, fresh, previous }: Site): Promise<void> {
  rmSync(previous, { force: true });
  if (isWindows) renameSync(target, previous);
  else linkSync(target, previous);
  renameSync(fresh, target);
  await syncFolder(dirname(target));
}

/** Puts the old program back, where it is still there. */
export async function swapBack({ target, fresh, previous }: Site): Promise<boolean> {
  if (!existsSync(previous)) return false;
  if (isWindows) renameSync(target, fresh);
  renameSync(previous, target);
  await syncFolder(dirname(target));
  return true;
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** A rename is on the disk once its folder is; Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (isWindows) return;
  await using handle = await open(folder, "r");
  await handle.sync();
}
