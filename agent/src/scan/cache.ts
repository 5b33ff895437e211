import { hash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { NanoUsd } from "@flowstate/shared/money";
import type { LogFile } from "../observe/files/discover.ts";
import type { Bucket } from "./buckets.ts";

/** Grows with every change of what the readers make of a log, or of the prices. */
const version = 1;

/** What a scan of exactly these files, in exactly this state, came to. */
export interface Snapshot {
  readonly buckets: readonly Bucket[];
  readonly broken: number;
}

/** Names the state of all logs: a file added, removed, grown or rewritten makes another name. */
export function stateOf(files: readonly LogFile[]): string {
  const states = files.map(
    ({ path, device, inode, size, modifiedMs }) => `${path}\n${device}.${inode}.${size}.${modifiedMs}`,
  );
  return hash("sha256", `${version}\n${states.sort().join("\n")}`, "hex");
}

/** The kept result, or null when the logs have changed, or the file is absent, damaged or somebody else's. */
export function readSnapshot(file: string, state: string): Snapshot | null {
  try {
    const text = readFileSync(file, "utf8");
    const line = text.indexOf("\n");
    const [head, body] = [text.slice(0, line), text.slice(line + 1)];
    if (head !== `${state} ${hash("sha256", body, "hex")}`) return null;
    return JSON.parse(body, (key, value: unknown) =>
      key === "costNanoUsd" ? (BigInt(value as string) as NanoUsd) : value,
    ) as Snapshot;
  } catch {
    return null;
  }
}

/** Keeps a result for the next scan. A folder that cannot be written costs the next scan its time and nothing else. */
export function writeSnapshot(file: string, state: string, snapshot: Snapshot): void {
  const body = JSON.stringify(snapshot, (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${state} ${hash("sha256", body, "hex")}\n${body}`, { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    // Only an optimisation is lost.
  }
}
