import { readdirSync, realpathSync, statSync, type Dirent } from "node:fs";
import { sep } from "node:path";
import type { LogFormat, Source } from "./sources.ts";

/** A log on disk, as it was when it was found. */
export interface LogFile {
  readonly path: string;
  readonly tool: string;
  readonly format: LogFormat;
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
}

export interface Exploration {
  readonly files: readonly LogFile[];
  /** Folders in which logs may appear. */
  readonly folders: readonly string[];
  /** Folders of tools that have left nothing here yet. */
  readonly missing: readonly string[];
}

export function discover(sources: readonly Source[]): readonly LogFile[] {
  return explore(sources).files;
}

/**
 * The logs of all sources, each file once however many names it has: hard links and folders reached twice are the same
 * file. A folder that is absent or closed to us has no logs.
 */
export function explore(sources: readonly Source[]): Exploration {
  const found = new Map<string, LogFile>();
  const folders = new Set<string>();
  const missing: string[] = [];
  for (const source of sources) {
    const root = realFolder(source.folder);
    if (root === null) missing.push(source.folder);
    else walk(source, root, root, source.depth, { found, folders });
  }
  return { files: [...found.values()], folders: [...folders], missing };
}

interface Finds {
  readonly found: Map<string, LogFile>;
  readonly folders: Set<string>;
}

function walk(source: Source, root: string, folder: string, depth: number, finds: Finds): void {
  finds.folders.add(folder);
  for (const entry of readFolder(folder)) {
    const path = folder + sep + entry.name;
    if (entry.isDirectory()) {
      if (depth > 0) walk(source, root, path, depth - 1, finds);
      continue;
    }
    // A symbolic link may lead out of the configured folder; what it points to is found under its own name.
    if (!entry.isFile()) continue;
    const below = path.slice(root.length + 1);
    const format = source.formatOf(sep === "/" ? below : below.replaceAll(sep, "/"));
    const file = format === null ? null : identify(path, source.tool, format);
    if (file === null) continue;
    const key = `${file.device}:${file.inode}`;
    if (!finds.found.has(key)) finds.found.set(key, file);
  }
}

/**
 * Null when the file has gone since its folder was read. What is new in a database is in its journal at first; an empty
 * one, as our own reading leaves it, tells of nothing.
 */
function identify(path: string, tool: string, format: LogFormat): LogFile | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return null;
  const journal = format.kind === "database" ? statSync(`${path}-wal`, { throwIfNoEntry: false }) : undefined;
  return {
    path,
    tool,
    format,
    device: stat.dev,
    inode: stat.ino,
    size: stat.size + (journal?.size ?? 0),
    modifiedMs:
      journal === undefined || journal.size === 0 ? stat.mtimeMs : Math.max(stat.mtimeMs, journal.mtimeMs),
  };
}

function readFolder(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function realFolder(folder: string): string | null {
  try {
    return realpathSync(folder);
  } catch {
    return null;
  }
}
