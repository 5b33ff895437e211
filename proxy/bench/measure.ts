import { readdirSync, readFileSync } from "node:fs";

/** Processor seconds that a process and its children have used, user and system. */
export function cpuSeconds(pid: number): number {
  return sumOver(pid, (each) => {
    const fields = readFileSync(`/proc/${each}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  });
}

/** Proportional set size of a process and its children in kilobytes. */
export function pssKb(pid: number): number {
  return sumOver(pid, (each) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, "utf8"))?.[1] ?? 0),
  );
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const ticksPerSecond = 100;

function sumOver(pid: number, figure: (pid: number) => number): number {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      parents.set(Number(entry), Number(stat.replace(/^.*\) /s, "").split(" ")[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const family = new Set([pid]);
  for (let grown = true; grown;) {
    grown = false;
    for (const [child, parent] of parents) {
      if (family.has(parent) && !family.has(child)) {
        family.add(child);
        grown = true;
      }
    }
  }
  return [...family].reduce((sum, each) => sum + figure(each), 0);
}
