import { appendFileSync, existsSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";

/** The daemon's own log, one JSON object a line, and the one before it. */
export function logFiles(dataFolder: string): { readonly current: string; readonly previous: string } {
  return { current: join(dataFolder, "agent.log"), previous: join(dataFolder, "agent.log.1") };
}

const mostBytes = 5 << 20;

/** A log that never takes more than twice `maxBytes` of the disk. A disk that is full costs lines, not the daemon. */
export function openLogFile(dataFolder: string, maxBytes = mostBytes): { write(line: string): void } {
  const { current, previous } = logFiles(dataFolder);
  let bytes = existsSync(current) ? statSync(current).size : 0;
  return {
    write(line) {
      try {
        if (bytes > 0 && bytes + line.length > maxBytes) {
          renameSync(current, previous);
          bytes = 0;
        }
        appendFileSync(current, line, { mode: 0o600 });
        bytes += line.length;
      } catch {
        // There is nowhere left to say it.
      }
    },
  };
}
