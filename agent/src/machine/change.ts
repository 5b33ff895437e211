import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { missingValues, withoutValues, withValues, type Insertion, type JsonValue } from "./json-values.ts";
import { withRightsOf, type Owner } from "./rights.ts";
import { isSameFile, removeFile, whenFree } from "./program-file.ts";
import { withMarkedLines, withoutMarkedLines } from "./marked-lines.ts";

/** A program with its arguments; no shell reads them. */
export type Command = readonly [program: string, ...args: string[]];

/** A file that is ours alone, with its text or with the file that it is a copy of. */
export interface PlacedFile {
  readonly path: string;
  readonly content: string | { readonly copyOf: string };
  readonly mode: number;
}

/** Lines of ours in a file that is somebody else's. */
export interface PlacedLines {
  readonly path: string;
  readonly lines: string;
  /** What there must not be in the file besides; the lines are then left out. */
  readonly unless?: RegExp;
}

/** Values of ours in a JSON file that is somebody else's; all of them, or none where one is there as something else. */
export interface PlacedValues {
  readonly path: string;
  readonly values: readonly JsonValue[];
}

/** Something done to a machine, together with what takes it back. */
export interface Change {
  /** What it is about, in a word or two; one installation has one change of a name. */
  readonly name: string;
  readonly files: readonly PlacedFile[];
  readonly lines: readonly PlacedLines[];
  readonly values: readonly PlacedValues[];
  /** Whose rights it is done with: a person's, in their home folder; null for whoever does it. */
  readonly actor: Owner | null;
  /** To whom its files are given where an administrator does it; null for nobody else. */
  readonly owner: Owner | null;
  /** Run first both ways, to stop what may be running; a failure means that nothing was. */
  readonly toStop: readonly Command[];
  /** Run after the files are there, to make what may be there already; a failure means that it is. */
  readonly toMake: readonly Command[];
  /** Run after that. */
  readonly afterInstall: readonly Command[];
  /** Run to take away what `toMake` has made; a failure means that it has gone already. */
  readonly toUnmake: readonly Command[];
  /** Run while the files are still there. */
  readonly beforeRemove: readonly Command[];
  /** Run after the files have gone. */
  readonly afterRemove: readonly Command[];
}

export const noChange: Omit<Change, "name"> = {
  files: [],
  lines: [],
  values: [],
  actor: null,
  owner: null,
  toStop: [],
  toMake: [],
  afterInstall: [],
  toUnmake: [],
  beforeRemove: [],
  afterRemove: [],
};

export interface Hands {
  /** Folder that stands for the root of the file system; empty outside of tests. */
  readonly root: string;
  /** Rejects where the command fails. */
  run(command: Command): Promise<void>;
}

/** All that is needed to take a change back, also by a later version that would make another one. */
export interface Trace extends Pick<
  Change,
  "name" | "actor" | "toStop" | "toUnmake" | "beforeRemove" | "afterRemove"
> {
  readonly files: readonly string[];
  readonly lines: readonly string[];
  readonly values: readonly { readonly path: string; readonly insertions: readonly Insertion[] }[];
  /** Of the files with lines or values, those that were not there before. */
  readonly newFiles: readonly string[];
  /** Folders that were not there before, outermost first. */
  readonly newFolders: readonly string[];
}

/** The trace that a change is about to leave, read before it is done, and together with the one of an earlier time. */
export function traceOf(change: Change, hands: Hands, earlier: Trace | null): Trace {
  return withRightsOf(change.actor, () => examine(change, hands, earlier));
}

function examine(change: Change, { root }: Hands, earlier: Trace | null): Trace {
  const { name, actor, toStop, toUnmake, beforeRemove, afterRemove } = change;
  const files = change.files.map(({ path }) => path);
  const lines = change.lines
    .filter((each) => fits(each, readText(join(root, each.path))))
    .map(({ path }) => path);
  const values = change.values.flatMap(({ path, values }) => {
    const ours = earlier?.values.find((each) => each.path === path)?.insertions ?? [];
    const insertions = missingValues(withoutValues(readText(join(root, path)) ?? emptyJson, ours), values);
    return insertions === null ? [] : [{ path, insertions }];
  });
  const foreign = [...lines, ...values.map(({ path }) => path)];
  const isNew = (path: string): boolean => !existsSync(join(root, path));
  const newFolders = [...files, ...foreign].flatMap((path) => foldersAbove(path).filter(isNew));
  return {
    name,
    actor,
    toStop,
    toUnmake,
    beforeRemove,
    afterRemove,
    files,
    lines,
    values,
    newFiles: [...new Set([...(earlier?.newFiles ?? []), ...foreign.filter(isNew)])],
    newFolders: [...new Set([...(earlier?.newFolders ?? []), ...newFolders])],
  };
}

/** Does a change; doing it twice is the same as once. */
export async function applyChange(change: Change, { root, run }: Hands): Promise<void> {
  const attempt = async (commands: readonly Command[]): Promise<void> => {
    for (const command of commands) await run(command).catch(() => undefined);
  };
  await attempt(change.toStop);
  withRightsOf(change.actor, () => placeFiles(change, root));
  await attempt(change.toMake);
  for (const command of change.afterInstall) await run(command);
}

function placeFiles({ files, lines, values, owner }: Change, root: string): void {
  for (const { path, content, mode } of files) replaceFile(join(root, path), content, mode, owner);
  for (const each of lines)
    editFile(join(root, each.path), (text) =>
      fits(each, text) ? withMarkedLines(text ?? "", each.lines) : null,
    );
  for (const each of values)
    editFile(join(root, each.path), (text) => {
      const insertions = missingValues(text ?? emptyJson, each.values);
      return insertions === null ? null : withValues(text ?? emptyJson, insertions);
    });
}

/** Written in place, because such a file is often a link into somebody's collection of settings. */
function editFile(place: string, edited: (text: string | null) => string | null): void {
  const text = readText(place);
  const now = edited(text);
  if (now === null || now === text) return;
  if (text === null) replaceFile(place, now, 0o644, null);
  else writeFileSync(place, now);
}

const emptyJson = "{}\n";

function fits({ unless }: PlacedLines, text: string | null): boolean {
  return unless === undefined || text === null || !unless.test(withoutMarkedLines(text));
}

function readText(place: string): string | null {
  return existsSync(place) ? readFileSync(place, "utf8") : null;
}

/**
 * Takes back what left the trace, all of it also where a command fails or the change was only half done; then the first
 * failure is thrown. What undoes a change before its files go is left out where they have gone: an earlier try did it.
 */
export async function revertChange(trace: Trace, { root, run }: Hands): Promise<void> {
  const { files, toStop, toUnmake, beforeRemove, afterRemove } = trace;
  const failures: unknown[] = [];
  const runAll = async (commands: readonly Command[]): Promise<void> => {
    for (const command of commands) await run(command).catch((error: unknown) => failures.push(error));
  };
  for (const command of [...toStop, ...toUnmake]) await run(command).catch(() => undefined);
  if (files.length === 0 || files.some((path) => existsSync(join(root, path)))) await runAll(beforeRemove);
  withRightsOf(trace.actor, () => removeFiles(trace, root));
  await runAll(afterRemove);
  if (failures.length > 0) throw failures[0];
}

function removeFiles(
  {
    files,
    lines,
    values,
    newFiles,
    newFolders,
  }: Pick<Trace, "files" | "lines" | "values" | "newFiles" | "newFolders">,
  root: string,
): void {
  for (const path of files) removeFile(join(root, path));
  const restore = (path: string, restored: (text: string) => string): void => {
    const edited = readText(join(root, path));
    if (edited === null) return;
    const text = restored(edited);
    const blank = text === "" || text === emptyJson;
    if (blank && newFiles.includes(path)) rmSync(join(root, path));
    else if (text !== edited) writeFileSync(join(root, path), text);
  };
  for (const path of lines) restore(path, withoutMarkedLines);
  for (const { path, insertions } of values) restore(path, (text) => withoutValues(text, insertions));
  for (const path of newFolders.toReversed()) removeEmptyFolder(join(root, path));
}

export function removeEmptyFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody else has put something into it, or has removed it already.
  }
}

/** Outermost first; without the root. */
function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return dirname(folder) === folder ? [] : [...foldersAbove(folder), folder];
}

function replaceFile(place: string, content: PlacedFile["content"], mode: number, owner: Owner | null): void {
  makeFolders(dirname(place));
  const fresh = `${place}.new`;
  rmSync(fresh, { force: true });
  // It may run from there, and Windows does not replace a program that runs.
  if (typeof content !== "string" && isSameFile(content.copyOf, place)) return chmodSync(place, mode);
  try {
    writeFileSync(fresh, typeof content === "string" ? content : "", { mode: 0o600, flag: "wx" });
    if (typeof content !== "string") copyFileSync(content.copyOf, fresh);
    // Not left to the umask: what the system reads has to be readable.
    chmodSync(fresh, mode);
    if (owner !== null && process.getuid?.() === 0) chownSync(fresh, owner.uid, owner.gid);
    whenFree(() => renameSync(fresh, place));
  } finally {
    rmSync(fresh, { force: true });
  }
}

export function makeFolders(folder: string, mode = 0o755): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  mkdirSync(folder);
  chmodSync(folder, mode);
}
