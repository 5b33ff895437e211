import { hash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import type { Outbox } from "@flowstate/shared/outbox/outbox";
import { dayMs } from "@flowstate/shared/time";
import type { FluencyEvent } from "@flowstate/shared/wire/fluency";
import { stampOf } from "../ledger/logs.ts";
import { discover, type LogFile } from "../observe/files/discover.ts";
import { sourcesOf, type Home } from "../observe/files/sources.ts";
import type { Conversation } from "./conversation.ts";
import { judge, ruleVersion } from "./judge.ts";
import type { ToldTable } from "./told.ts";
import { claudeCodeTranscript } from "./transcripts/claude-code.ts";
import { codexCliTranscript } from "./transcripts/codex-cli.ts";
import { geminiCliTranscript } from "./transcripts/gemini-cli.ts";
import { readConversations, type TranscriptReader } from "./transcripts/transcript.ts";

const readers: Readonly<Record<string, TranscriptReader>> = {
  "claude-code": claudeCodeTranscript,
  "codex-cli": codexCliTranscript,
  "gemini-cli": geminiCliTranscript,
};

/** The longest trend that is shown, and what new rules are applied to. */
const rememberedMs = 90 * dayMs;

export interface AppraiseOptions {
  readonly machine: Home;
  readonly told: ToldTable;
  readonly outbox: Outbox;
  /** How long a log has to rest before its conversations are judged. */
  readonly quietMs: number;
  readonly now: () => number;
}

/**
 * Judges the conversations of every log that has changed and come to rest, and puts the counts of those that say
 * something new into the outbox; returns how many. A crash between the outbox and the note of it tells the same
 * revision again, which changes nothing at the other end.
 */
export async function appraise(
  { machine, told, outbox, quietMs, now }: AppraiseOptions,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const file of discover(sourcesOf(machine))) {
    if (signal.aborted) break;
    const key = `${file.device}:${file.inode}`;
    // A file system tells fractions of a millisecond, and a clock does not.
    const age = now() - Math.floor(file.modifiedMs);
    const reader = readerOf(file);
    if (reader === null || age < quietMs || age > rememberedMs) continue;
    if (told.isJudged(key, stampOf(file), ruleVersion)) continue;
    for (const conversation of conversationsOf(file, reader))
      count += tell(conversation, told, outbox) ? 1 : 0;
    told.judged(key, stampOf(file), ruleVersion);
    await breathe();
  }
  return count;
}

function readerOf({ path, tool, format }: LogFile): TranscriptReader | null {
  return format.kind === "lines" && path.endsWith(".jsonl") ? (readers[tool] ?? null) : null;
}

/** A log that has gone or cannot be read has none. */
function conversationsOf({ path, tool }: LogFile, reader: TranscriptReader): readonly Conversation[] {
  try {
    return readConversations(path, tool, reader);
  } catch {
    return [];
  }
}

/** Throws FS_UNAVAILABLE while the outbox is full. */
function tell(conversation: Conversation, told: ToldTable, outbox: Outbox): boolean {
  const indicators = judge(conversation);
  if (Object.values(indicators).every(({ opportunities }) => opportunities === 0)) return false;
  const { sessionId, tool, lastAt } = conversation;
  const said: Omit<FluencyEvent, "seq" | "revision"> = {
    kind: "fluency",
    sessionId,
    tool,
    occurredAt: new Date(lastAt).toISOString(),
    ruleVersion,
    indicators,
  };
  const digest = hash("sha256", JSON.stringify(said), "hex");
  const before = told.find(sessionId);
  if (before?.digest === digest) return false;
  const revision = (before?.revision ?? 0) + 1;
  outbox.append([JSON.stringify({ ...said, revision })]);
  told.told(sessionId, { digest, revision });
  return true;
}
