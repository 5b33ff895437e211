import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { systemCode } from "@flowstate/shared/errors";
import * as v from "valibot";

const journal = v.object({
  /** A program that has been put in place, or is about to be, and has not proved itself. */
  attempt: v.nullable(
    v.object({
      version: v.string(),
      sha256: v.string(),
      /** The version from before, and its program, to go back to. */
      before: v.string(),
      previous: v.string(),
    }),
  ),
  /** SHA-256 of programs that did not start here, the latest last. */
  failed: v.array(v.string()),
});

/** What is known of upgrades on this machine, kept beside the record of the installation. */
export type Journal = v.InferOutput<typeof journal>;

export const emptyJournal: Journal = { attempt: null, failed: [] };
const mostFailed = 20;

/** Nothing is known where there is no journal, or none that can be read. */
export function readJournal(file: string): Journal {
  try {
    const parsed = v.safeParse(journal, JSON.parse(readFileSync(file, "utf8")));
    return parsed.success ? parsed.output : emptyJournal;
  } catch (error) {
    if (error instanceof SyntaxError || ["ENOENT", "EACCES"].includes(systemCode(error) ?? ""))
      return emptyJournal;
    throw error;
  }
}

/** Whole or not at all, and on the disk before anything follows from it. The service reads it with other rights. */
export function writeJournal(file: string, { attempt, failed }: Journal): void {
  const kept: Journal = { attempt, failed: failed.slice(-mostFailed) };
  if (attempt === null && failed.length === 0 && !existsSync(file)) return;
  writeFileSync(`${file}.next`, JSON.stringify(kept), { flush: true });
  chmodSync(`${file}.next`, 0o644);
  renameSync(`${file}.next`, file);
}
