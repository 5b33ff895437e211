import { projectOf } from "../attribute/project.ts";
import type { LogFile } from "../observe/files/discover.ts";
import { readLog } from "../observe/files/read.ts";
import { keepOneCompiler } from "../packaged/node-options.ts";
import { bucketsOf } from "./buckets.ts";
import type { Snapshot } from "./cache.ts";
import { packedCalls } from "./packed-calls.ts";

/** Reads every log and puts what they say together, each call once. A log that cannot be opened counts as broken. */
export async function collect(
  files: readonly LogFile[],
  onProgress?: (done: number, all: number) => void,
): Promise<Snapshot> {
  keepOneCompiler();
  const calls = packedCalls(isNoRequest);
  let broken = 0;
  for (const [done, file] of files.entries()) {
    onProgress?.(done, files.length);
    try {
      broken += (await readLog(file, calls.add)).broken;
    } catch {
      broken += 1;
    }
  }
  onProgress?.(files.length, files.length);
  const labels = new Map<string, string>();
  const projectLabel = (cwd: string): string => {
    const label = labels.get(cwd) ?? projectOf(cwd).label;
    labels.set(cwd, label);
    return label;
  };
  return { buckets: bucketsOf(calls.calls(), projectLabel), broken };
}

/** A request id joins a call to what other sources saw of it; logs join by the message id. */
function isNoRequest(alias: string): boolean {
  return !alias.startsWith("req_");
}
