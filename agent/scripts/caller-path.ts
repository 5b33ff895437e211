import { resolve } from "node:path";

/** A path as whoever called `npm run -w agent` means it: npm goes into the room's folder first. */
export function callerPath(path: string): string {
  return resolve(process.env["INIT_CWD"] ?? ".", path);
}
