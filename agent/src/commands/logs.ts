import { existsSync, readFileSync } from "node:fs";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { untilSignal } from "@flowstate/shared/lifecycle";
import type { Config } from "../config.ts";
import { logFiles } from "../local/log-file.ts";

export interface LogsFlags {
  readonly lines: number;
  readonly follow?: boolean;
}

const lookMs = 300;

/** `flowstate logs`: the last lines of the daemon's log, and with `follow` those to come. */
export async function runLogs(
  { lines, follow = false }: LogsFlags,
  { dataFolder }: Config,
  clock: Clock = systemClock,
): Promise<void> {
  const { current, previous } = logFiles(dataFolder);
  if (!existsSync(current) && !follow)
    throw new FlowstateError("FS_NOT_FOUND", `no agent has logged to ${current} yet`);
  const before = [...linesOf(previous), ...linesOf(current)];
  print(before.slice(before.length - Math.min(lines, before.length)));
  if (!follow) return;
  const stop = new AbortController();
  void untilSignal().then(() => stop.abort());
  for (let shown = linesOf(current).length; !stop.signal.aborted;) {
    await clock.sleep(lookMs, stop.signal);
    const now = linesOf(current);
    // Fewer than before: the log was put aside, and what follows stands in a new one.
    if (now.length < shown) shown = 0;
    print(now.slice(shown));
    shown = now.length;
  }
}

/** Whole lines; one that is still being written comes the next time. */
function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${renderLogLine(line)}\n`);
}

const known = new Set(["time", "level", "name", "pid", "msg"]);

/** A line of JSON as time, level, message and the rest; any other line as it is. */
function renderLogLine(line: string): string {
  let record: Readonly<Record<string, unknown>>;
  try {
    record = JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return line;
  }
  const { time, level, msg } = record ?? {};
  if (typeof time !== "string" || typeof level !== "string" || typeof msg !== "string") return line;
  const rest = Object.entries(record)
    .filter(([name]) => !known.has(name))
    .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  return `${time} ${level.toUpperCase().padEnd(5)} ${msg}${rest.join("")}`;
}
