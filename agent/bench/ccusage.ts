/**
 * `node agent/bench/ccusage.ts [MEGABYTES]`: `flowstate scan` beside ccusage 20.0.24 on the same generated logs. Says
 * whether the totals of every day and model are equal, and the ratio of processor time and memory, cold and warm.
 * Needs GNU time. ccusage is installed into a temporary folder and measured without its Node wrapper.
 *
 * Goals: cold at most 0.7 x of its processor time and memory, warm at most 0.05 x of its time.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { generateCorpus } from "./generate.ts";

const megabytes = Number(process.argv[2] ?? 1239);
const rounds = 3;
using folder = temporaryFolder();
const corpus = generateCorpus({ root: join(folder.path, "corpus"), megabytes });
const ccusage = installCcusage(join(folder.path, "peer"));
const ours = [
  // Itself, and not by `node`: its first line says how Node is to be started.
  new URL("../bin/flowstate.js", import.meta.url).pathname,
  "scan",
  "--json",
  "--timezone",
  "UTC",
];
const theirs = [ccusage, "daily", "--json", "--offline", "--timezone", "UTC"];
const dataFolder = join(folder.path, "data");
const env = {
  PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
  HOME: join(folder.path, "home"),
  CLAUDE_CONFIG_DIR: corpus.claudeHome,
  CODEX_HOME: corpus.codexHome,
  FLOWSTATE_DATA_DIR: dataFolder,
  NODE_COMPILE_CACHE: join(folder.path, "compiled"),
};

const runs = Array.from({ length: rounds }, () => {
  rmSync(dataFolder, { recursive: true, force: true });
  const cold = measure(ours);
  return { cold, warm: measure(ours), peer: measure(theirs) };
});
const best = (kind: "cold" | "warm" | "peer", of: "cpuS" | "maxRssMb"): number =>
  Math.min(...runs.map((run) => run[kind][of]));
const last = runs.at(-1);
if (last === undefined) throw new Error("bug: no round was run");
const difference = compareTotals(ourTotals(last.cold.stdout), theirTotals(last.peer.stdout));

print(
  `corpus: ${corpus.files} files, ${Math.round(corpus.bytes / 1e6)} MB, ${corpus.calls} calls; best of ${rounds} rounds`,
);
print(`totals of every day and model: ${difference ?? "equal"}`);
for (const kind of ["peer", "cold", "warm"] as const) {
  const cpu = best(kind, "cpuS");
  const memory = best(kind, "maxRssMb");
  const ratio = `${(cpu / best("peer", "cpuS")).toFixed(3)} x CPU, ${(memory / best("peer", "maxRssMb")).toFixed(2)} x memory`;
  print(`${kind.padEnd(5)} ${cpu.toFixed(2)} CPU-s  ${memory.toFixed(0)} MB  (${ratio})`);
}
process.exitCode = difference === null ? 0 : 1;

interface Measured {
  readonly stdout: string;
  readonly cpuS: number;
  readonly maxRssMb: number;
}

function measure(command: readonly string[]): Measured {
  const { stdout, stderr, status } = spawnSync("/usr/bin/time", ["-f", "%U %S %M", ...command], {
    env,
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`${command.join(" ")}: exit ${status}: ${stderr}`);
  const [user = 0, system = 0, kilobytes = 0] = (stderr.trim().split("\n").at(-1) ?? "")
    .split(" ")
    .map(Number);
  return { stdout, cpuS: user + system, maxRssMb: kilobytes / 1024 };
}

type Totals = ReadonlyMap<string, readonly number[]>;

interface OurReport {
  readonly days: readonly {
    readonly date: string;
    readonly model: string;
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cacheReadTokens: number;
    readonly cacheWriteTokens: number;
  }[];
}

function ourTotals(json: string): Totals {
  const { days } = JSON.parse(json) as OurReport;
  return new Map(
    days.map((day) => [
      `${day.date} ${day.model}`,
      [day.inputTokens, day.outputTokens, day.cacheReadTokens, day.cacheWriteTokens],
    ]),
  );
}

interface TheirReport {
  readonly daily: readonly {
    readonly period: string;
    readonly modelBreakdowns: readonly {
      readonly modelName: string;
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly cacheReadTokens: number;
      readonly cacheCreationTokens: number;
    }[];
  }[];
}

function theirTotals(json: string): Totals {
  const { daily } = JSON.parse(json) as TheirReport;
  return new Map(
    daily.flatMap(({ period, modelBreakdowns }) =>
      modelBreakdowns.map((model): [string, readonly number[]] => [
        `${period} ${model.modelName}`,
        [model.inputTokens, model.outputTokens, model.cacheReadTokens, model.cacheCreationTokens],
      ]),
    ),
  );
}

function compareTotals(ours: Totals, theirs: Totals): string | null {
  const different = [...new Set([...ours.keys(), ...theirs.keys()])].filter(
    (key) => String(ours.get(key)) !== String(theirs.get(key)),
  );
  const [key] = different;
  return key === undefined
    ? null
    : `${different.length} of ${theirs.size} differ, first ${key}: ours ${String(ours.get(key))}, theirs ${String(theirs.get(key))}`;
}

function installCcusage(prefix: string): string {
  const { status, stderr } = spawnSync(
    "npm",
    ["install", "--prefix", prefix, "--no-save", "ccusage@20.0.24"],
    {
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(`ccusage could not be installed: ${stderr}`);
  const native = `@ccusage/ccusage-${process.platform}-${process.arch}`;
  const file = join(prefix, "node_modules", native, "bin", "ccusage");
  spawnSync("chmod", ["+x", file]);
  return file;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
