import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { getRawAsset } from "node:sea";

/** Native parts among the assets of the single executable: better-sqlite3's, and on Windows Koffi's. */
export const sqliteAsset = "better_sqlite3.node";
export const koffiAsset = "koffi.node";
type NativeAsset = typeof sqliteAsset | typeof koffiAsset;

/** How a folder begins that native parts are loaded from. */
export const nativeFolder = ".flowstate-native-";
/** A folder that is younger may be one that another process is about to load from. */
const settledMs = 60_000;

/**
 * Loads a native part of the single executable, which has no file to load it from: it is written to a folder of a new
 * name that nobody else can enter, loaded, and removed again, which the loaded part survives. Windows keeps a loaded file
 * until its process has ended; the next one removes it.
 */
export function loadNative(asset: NativeAsset): unknown {
  return loadFromOneOf(asset, [tmpdir(), homedir()]);
}

/** A temporary folder may be closed, or mounted so that nothing in it runs; the first folder in which it does is taken. */
function loadFromOneOf(asset: NativeAsset, [folder = "", ...others]: readonly string[]): unknown {
  try {
    return loadIn(folder, asset);
  } catch (error) {
    if (others.length === 0) throw error;
    return loadFromOneOf(asset, others);
  }
}

function loadIn(folder: string, asset: NativeAsset): unknown {
  if (process.platform === "win32") removeLeft(folder, Date.now() - settledMs);
  const place = mkdtempSync(join(folder, nativeFolder));
  try {
    const file = join(place, asset);
    writeFileSync(file, Buffer.from(getRawAsset(asset)), { mode: 0o700 });
    const module = { exports: {} };
    process.dlopen(module, file);
    return module.exports;
  } finally {
    tryToRemove(place);
  }
}

/** Removes what processes that have ended have left in a folder; what is in use stays. */
export function removeLeft(folder: string, before: number): void {
  for (const name of readdirSync(folder).filter((each) => each.startsWith(nativeFolder))) {
    const place = join(folder, name);
    if ((statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? before) < before) tryToRemove(place);
  }
}

function tryToRemove(place: string): void {
  try {
    rmSync(place, { recursive: true, force: true });
  } catch {
    // Windows: the file is in use.
  }
}
