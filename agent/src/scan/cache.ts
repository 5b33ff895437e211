import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import type { NanoUsd } from "@flowstate/shared/money";
import type { LogFile } from "../observe/files/discover.ts";
import type { Bucket } from "./usage.ts";

/** Grows with every change of what the readers make of a log, or of the prices. */
const version = 2;

/** What a scan of exactly these files, in exactly this state, came to. */
export interface Snapshot {
  readonly buckets: readonly Bucket[];
  readonly broken: number;
}

/** A snapshot as it is kept: each name once, and a row of figures a bucket. */
interface Kept {
  readonly names: readonly (string | null)[];
  readonly rows: readonly (readonly (number | string)[])[];
  readonly broken: number;
}

/** The state of all logs in words: a file added, removed, grown or rewritten makes others, and so may a folder in new order. */
export function stateOf(files: readonly LogFile[]): string {
  return files
    .map(({ path, device, inode, size, modifiedMs }) => `${path}\n${device}.${inode}.${size}.${modifiedMs}`)
    .join("\n");
}

/** The kept result, or null when the logs have changed, or the file is absent, damaged or somebody else's. */
export function readSnapshot(file: string, state: string): Snapshot | null {
  try {
    const bytes = readFileSync(file);
    const line = bytes.indexOf("\n");
    const content = bytes.subarray(line + 1);
    const stateBytes = Buffer.byteLength(state);
    if (bytes.toString("latin1", 0, line) !== headOf(content, stateBytes)) return null;
    if (content.toString("utf8", 0, stateBytes) !== state) return null;
    return unpack(JSON.parse(content.toString("utf8", stateBytes)) as Kept);
  } catch {
    return null;
  }
}

/** Keeps a result for the next scan. A folder that cannot be written costs the next scan its time and nothing else. */
export function writeSnapshot(file: string, state: string, snapshot: Snapshot): void {
  const content = Buffer.from(state + JSON.stringify(pack(snapshot)));
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${headOf(content, Buffer.byteLength(state))}\n`, { mode: 0o600 });
    appendFileSync(draft, content);
    renameSync(draft, file);
  } catch {
    // Only an optimisation is lost.
  }
}

/** A checksum against damage only; `node:crypto` would be a tenth of the time that a scan without news takes. */
function headOf(content: Buffer, stateBytes: number): string {
  return `${version} ${stateBytes} ${crc32(content)}`;
}

function pack({ buckets, broken }: Snapshot): Kept {
  const names = new Map<string | null, number>();
  const index = (name: string | null): number => {
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
  const rows = buckets.map(({ quarter, tool, provider, model, session, project, usage }) => [
    quarter,
    ...[tool, provider, model, session, project].map(index),
    usage.calls,
    usage.input,
    usage.output,
    usage.cacheRead,
    usage.cacheWrite,
    usage.costNanoUsd.toString(),
    usage.unpricedCalls,
    usage.outputByTrust.final,
    usage.outputByTrust.floor,
    usage.outputByTrust.estimated,
  ]);
  return { names: [...names.keys()], rows, broken };
}

function unpack({ names, rows, broken }: Kept): Snapshot {
  const name = (index: unknown): string | null => names[index as number] ?? null;
  const buckets = rows.map((row): Bucket => {
    const [quarter, tool, provider, model, session, project, calls, input, output, cacheRead, cacheWrite] =
      row as number[];
    const [cost, unpricedCalls, final, floor, estimated] = row.slice(11) as [string, ...number[]];
    return {
      quarter: quarter ?? 0,
      tool: name(tool) ?? "",
      provider: name(provider) ?? "",
      model: name(model),
      session: name(session),
      project: name(project),
      usage: {
        calls: calls ?? 0,
        input: input ?? 0,
        output: output ?? 0,
        cacheRead: cacheRead ?? 0,
        cacheWrite: cacheWrite ?? 0,
        costNanoUsd: BigInt(cost) as NanoUsd,
        unpricedCalls: unpricedCalls ?? 0,
        outputByTrust: { final: final ?? 0, floor: floor ?? 0, estimated: estimated ?? 0 },
      },
    };
  });
  return { buckets, broken };
}
