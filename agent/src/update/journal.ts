import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { systemCode } from "@flowstate/shared/errors";
import { z } from "zod";

const journal = z.object({
  /** A program that has been put in place, or is about to be, and has not proved itself. */
  attempt: z
    .object({
      version: z.string(),
      sha256: z.string(),
      /** The version from before, and its program, to go back to. */
      before: z.string(),
      previous: z.string(),
    })
    .nullable(),
  /** SHA-256 of programs that did not start here, the latest last. */
  failed: z.array(z.string()),
});

/** What is known of upgrades on this machine, kept beside the record of the installation. */
export type Journal = z.infer<typeof journal>;

export const emptyJournal: Journal = { attempt: null, failed: [] };
const mostFailed = 20;

/** Nothing is known where there is no journal, or none that can be read. */
export function readJournal(file: string): Journal {
  try {
    const parsed = journal.safeParse(JSON.parse(readFileSync(file, "utf8")));
    return parsed.success ? parsed.data : emptyJournal;
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
