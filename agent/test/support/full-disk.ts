import { execFileSync } from "node:child_process";

/** Files of a process may not grow beyond `bytes`, which fails their writer as a full disk does. */
export function limitFiles(pid: number, bytes: string): void {
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
}

export function canLimitFiles(): boolean {
  try {
    limitFiles(process.pid, "unlimited");
    return true;
  } catch {
    return false;
  }
}
