import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import { parseUsageDate } from "@flowstate/shared/time";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { groupings, reportJson, reportOf, type Grouping } from "../scan/report.ts";
import { scan } from "../scan/scan.ts";
import { renderTable } from "../scan/table.ts";

export interface ScanFlags {
  readonly since?: string;
  readonly until?: string;
  readonly by: string;
  readonly timezone?: string;
  readonly json?: boolean;
}

/** `flowstate scan`: usage and cost from the logs on this machine; needs no server and changes nothing but its cache. */
export async function runScan(flags: ScanFlags, { machine, dataFolder }: Config): Promise<void> {
  const options = {
    by: readGrouping(flags.by),
    since: readDay("--since", flags.since),
    until: readDay("--until", flags.until),
    timeZone: readTimeZone(flags.timezone),
  };
  const snapshotFile = join(dataFolder, "scan.cache");
  const { buckets, broken } = await scan({ machine, snapshotFile, onProgress: showProgress() });
  const report = reportOf(buckets, options);
  if (flags.json === true)
    printJson({ ...reportJson(report), brokenRows: broken, timezone: options.timeZone });
  else process.stdout.write(renderTable(report));
}

function readGrouping(text: string): Grouping {
  const found = groupings.find((grouping) => grouping === text);
  if (found !== undefined) return found;
  throw new FlowstateError(
    "FS_INPUT_INVALID",
    `--by ${text.slice(0, 40)}: it takes one of ${groupings.join(", ")}`,
  );
}

function readDay(flag: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const parsed = parseUsageDate(text);
  if (parsed.ok) return parsed.value;
  throw new FlowstateError("FS_INPUT_INVALID", `${flag}: ${parsed.detail}`);
}

function readTimeZone(name: string | undefined): string {
  if (name === "UTC") return name;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `--timezone ${String(name).slice(0, 40)}: it takes an IANA name such as Europe/Berlin`,
    );
  }
}

/** A line on standard error that is written over, for people only and only once the work has become long. */
function showProgress(): (done: number, all: number) => void {
  if (!process.stderr.isTTY) return () => undefined;
  const start = Date.now();
  let shown = 0;
  return (done, all) => {
    const now = Date.now();
    if (now - start < 300 || (now - shown < 100 && done < all)) return;
    shown = now;
    const filled = Math.round((20 * done) / Math.max(1, all));
    const bar = "#".repeat(filled).padEnd(20, ".");
    process.stderr.write(done < all ? `\r[${bar}] ${done} of ${all} logs` : "\r\u001B[K");
  };
}
