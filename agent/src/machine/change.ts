import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A program with its arguments; no shell reads them. */
export type Command = readonly [program: string, ...args: string[]];

export interface PlacedFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** Something done to a machine, together with what takes it back. */
export interface Change {
  readonly files: readonly PlacedFile[];
  /** Run after the files are there. */
  readonly afterInstall: readonly Command[];
  /** Run while the files are still there. */
  readonly beforeRemove: readonly Command[];
  /** Run after the files have gone. */
  readonly afterRemove: readonly Command[];
}

export interface Hands {
  /** Folder that stands for the root of the file system; `/` outside of tests. */
  readonly root: string;
  /** Rejects where the command fails. */
  run(command: Command): Promise<void>;
}

/** Does a change; doing it twice is the same as once. */
export async function applyChange({ files, afterInstall }: Change, { root, run }: Hands): Promise<void> {
  for (const { path, content, mode } of files) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(`${place}.new`, content, { mode });
    renameSync(`${place}.new`, place);
  }
  for (const command of afterInstall) await run(command);
}

/** Takes a change back, all of it also where a command fails or the change was only half done; then the first failure is thrown. */
export async function revertChange(change: Change, { root, run }: Hands): Promise<void> {
  const failures: unknown[] = [];
  const runAll = async (commands: readonly Command[]): Promise<void> => {
    for (const command of commands) await run(command).catch((error: unknown) => failures.push(error));
  };
  await runAll(change.beforeRemove);
  for (const { path } of change.files) rmSync(join(root, path), { force: true });
  await runAll(change.afterRemove);
  if (failures.length > 0) throw failures[0];
}
