import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { getRawAsset } from "node:sea";

/** Name of better-sqlite3's native part among the assets of the single executable. */
export const bindingAsset = "better_sqlite3.node";

let loaded: unknown = null;

/**
 * Stands in for better-sqlite3's own `lib/binding.js` in the single executable, which has no file to load a native part
 * from. It is written to a folder that nobody else can enter, loaded, and removed again, which the loaded part survives;
 * Windows keeps a loaded file, in the person's temporary folder.
 */
export function getBinding(): unknown {
  loaded ??= load([tmpdir(), homedir()]);
  return loaded;
}

/** A temporary folder may be closed, or mounted so that nothing in it runs; the first folder in which it does is taken. */
function load([folder = "", ...others]: readonly string[]): unknown {
  try {
    return loadIn(folder);
  } catch (error) {
    if (others.length === 0) throw error;
    return load(others);
  }
}

function loadIn(folder: string): unknown {
  const place = mkdtempSync(join(folder, ".flowstate-native-"));
  try {
    const file = join(place, bindingAsset);
    writeFileSync(file, Buffer.from(getRawAsset(bindingAsset)), { mode: 0o700 });
    const module = { exports: {} };
    process.dlopen(module, file);
    return module.exports;
  } finally {
    try {
      rmSync(place, { recursive: true, force: true });
    } catch {
      // Windows: the file is in use.
    }
  }
}
