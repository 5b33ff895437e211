import { Command, CommanderError } from "commander";
import { codes, isFlowstateError, systemCode } from "./errors.ts";
import { hideKeys } from "./redact.ts";

/** A program whose errors are one line on standard error and whose exit codes are those of `errors.ts`. */
export function createProgram(name: string, description: string, version: string): Command {
  return new Command(name).description(description).version(version).showHelpAfterError(false).exitOverride();
}

/** Runs the program and returns its exit code. Nothing but the answer goes to standard output. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<number> {
  for (const command of everyCommand(program)) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : codes.FS_USAGE.exit;
    process.stderr.write(`${describeError(error)}\n`);
    return exitCodeOf(error);
  }
}

/** One line that says what went wrong and what to do; the stack only for a defect of ours. */
export function describeError(error: unknown): string {
  if (isFlowstateError(error))
    return hideKeys(oneLine(`${error.message} (${error.code}): ${codes[error.code].hint}`)).trimEnd();
  if (isStorageFailure(error)) {
    return hideKeys(oneLine(`${error.message} (FS_STORAGE): ${codes.FS_STORAGE.hint}`)).trimEnd();
  }
  return hideKeys(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** The exit code that goes with `describeError`. */
export function exitCodeOf(error: unknown): number {
  if (isFlowstateError(error)) return codes[error.code].exit;
  return isStorageFailure(error) ? codes.FS_STORAGE.exit : codes.FS_INTERNAL.exit;
}

const storageFailures = new Set([
  "ENOSPC",
  "EACCES",
  "EROFS",
  "EPERM",
  "EDQUOT",
  "ENOTDIR",
  "EEXIST",
  "ENOENT",
]);

/** A file or folder that cannot be made or written: the machine's trouble, not a defect of ours. */
function isStorageFailure(error: unknown): error is Error {
  return storageFailures.has(systemCode(error) ?? "");
}

/** Prints one JSON document; bigint as a string. */
export function printJson(value: unknown): void {
  process.stdout.write(
    `${JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item), 2)}\n`,
  );
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => everyCommand(child))];
}

function oneLine(text: string): string {
  return `${text.trim().replace(/\s*\n\s*/g, " ")}\n`;
}
