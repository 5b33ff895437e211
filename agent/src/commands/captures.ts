import { statSync } from "node:fs";
import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Config } from "../config.ts";
import {
  captureFile,
  listCaptures,
  purgeCaptures,
  readCapture,
  type Capture,
  type CaptureEntry,
} from "../enterprise/capture-store.ts";

export interface CapturesFlags {
  readonly limit: number;
  readonly json?: boolean;
}

/** `flowstate captures list`: the latest calls whose words are kept, newest first. */
export function runCapturesList({ limit, json = false }: CapturesFlags, { dataFolder }: Config): void {
  requireOwn(dataFolder);
  const { captures, unreadable } = listCaptures(dataFolder, limit);
  if (json) return printJson({ captures, unreadable });
  process.stdout.write(renderList(captures, unreadable));
}

/** `flowstate captures show`: one call with its words. */
export function runCapturesShow(
  id: string,
  { json = false }: { readonly json?: boolean },
  { dataFolder }: Config,
): void {
  requireOwn(dataFolder);
  const capture = readCapture(dataFolder, id);
  if (json) printJson(capture);
  else process.stdout.write(printable(renderCapture(capture)));
}

/** `flowstate captures purge`: nothing that was kept can be read again. */
export function runCapturesPurge({ dataFolder }: Config): void {
  requireOwn(dataFolder);
  const count = purgeCaptures(dataFolder);
  process.stdout.write(count === 0 ? "nothing is kept\n" : `${count} erased\n`);
}

/** An administrator could read it all the same; a command of ours does not do it for them. Throws FS_FORBIDDEN. */
export function requireOwn(dataFolder: string, self = process.getuid?.()): void {
  const owner = statSync(captureFile(dataFolder), { throwIfNoEntry: false })?.uid;
  if (owner === undefined || self === undefined || owner === self) return;
  throw new FlowstateError(
    "FS_FORBIDDEN",
    `what is kept in ${dataFolder} is for the person whose account it was kept for`,
  );
}

function renderList(captures: readonly CaptureEntry[], unreadable: number): string {
  const rows = captures.map(({ id, occurredAt, tool, model, promptCharacters, answerCharacters, isCut }) => [
    id,
    occurredAt.slice(0, 16).replace("T", " "),
    tool,
    model ?? "?",
    `${promptCharacters} characters asked, ${answerCharacters} answered${isCut ? ", cut" : ""}`,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  "));
  return [
    ...(rows.length === 0 && unreadable === 0 ? ["Nothing is kept."] : lines.map(printable)),
    ...(unreadable === 0 ? [] : [`${unreadable} more cannot be read: their key is gone.`]),
    "",
  ].join("\n");
}

function renderCapture({ words: { prompt, answer }, ...entry }: Capture): string {
  const { occurredAt, tool, model, host, status, masked } = entry;
  const heading = `${occurredAt}  ${tool}  ${model ?? "?"} at ${host ?? "?"}, status ${status ?? "?"}`;
  return [
    masked === 0 ? heading : `${heading}, secrets masked: ${masked}`,
    ...(prompt === null ? ["", "The request could not be read."] : []),
    ...(prompt?.instructions ?? []).flatMap((text) => ["", "--- instructions", text]),
    ...(prompt === null || prompt.earlierTurns === 0
      ? []
      : ["", `(turns in earlier captures: ${prompt.earlierTurns})`]),
    ...(prompt?.isCut === true ? ["", "(the prompt was too large to be kept whole)"] : []),
    ...(prompt?.turns ?? []).flatMap(({ role, text }) => ["", `--- ${role}`, text]),
    "",
    "--- answer",
    answer.text,
    ...(answer.isCut ? ["(the answer broke off, or was too large to be kept whole)"] : []),
    "",
  ].join("\n");
}

/** What strangers have written must not command a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, "\u{FFFD}");
}
