import { renameSync, rmSync, statSync } from "node:fs";
import { win32 } from "node:path";
import { systemCode } from "@flowstate/shared/errors";
import { windowsTemp } from "./system32.ts";

const waitMs = 100;
const attempts = 50;

/** Whether two paths lead to one file that is there. */
export function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

/**
 * Does something with a file that a program may just have been running from: Windows holds such a file until a moment
 * after the program has ended.
 */
export function whenFree(act: () => void, platform: NodeJS.Platform = process.platform): void {
  for (let left = attempts; ; left -= 1) {
    try {
      return act();
    } catch (error) {
      if (platform !== "win32" || left === 0 || !isHeld(error)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    }
  }
}

function isHeld(error: unknown): boolean {
  return ["EPERM", "EACCES", "EBUSY"].includes(systemCode(error) ?? "");
}

/** How the program that removes itself on Windows is called from then on. */
export const goneName = "flowstate-gone-";

/**
 * Removes a file, also the one that this program runs from: Windows lets go of its name, so that its folder is empty, and
 * of the file itself once the program has ended (`packaged/leftovers.ts`).
 */
export function removeFile(place: string): void {
  if (process.platform === "win32" && isSameFile(place, process.execPath))
    renameSync(place, win32.join(windowsTemp, `${goneName}${process.pid}.exe`));
  else whenFree(() => rmSync(place, { force: true }));
}
