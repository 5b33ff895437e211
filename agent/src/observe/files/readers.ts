import { amp } from "./amp.ts";
import { claudeCode } from "./claude-code.ts";
import { clineCli, clineTask } from "./cline.ts";
import { codexCli } from "./codex-cli.ts";
import { copilotCliEvents, copilotCliStore } from "./copilot-cli.ts";
import { geminiCli, geminiCliDocument } from "./gemini-cli.ts";
import { opencode } from "./opencode.ts";
import type { Reader } from "./reader.ts";
import type { FormatName, LogFormat } from "./sources.ts";

const readers: Readonly<Record<FormatName, Reader>> = {
  amp,
  "claude-code": claudeCode,
  cline: clineTask("cline"),
  "cline-cli": clineCli,
  "codex-cli": codexCli,
  "copilot-cli-events": copilotCliEvents,
  "copilot-cli-store": copilotCliStore,
  "gemini-cli": geminiCli,
  "gemini-cli-document": geminiCliDocument,
  "kilo-code": clineTask("kilo-code"),
  opencode,
  "roo-code": clineTask("roo-code"),
};

/** How a log is read. */
export function readerOf({ name }: LogFormat): Reader {
  return readers[name];
}
