import { loadNative, sqliteAsset } from "./native.ts";

let loaded: unknown = null;

/** Stands in for better-sqlite3's own `lib/binding.js` in the single executable. */
export function getBinding(): unknown {
  loaded ??= loadNative(sqliteAsset);
  return loaded;
}
