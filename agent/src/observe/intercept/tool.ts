import { id } from "../files/json.ts";

/** Which program made a call, as far as its request says. A name that the client controls: never a reason to allow. */
export interface ToolSigns {
  readonly tool: string;
  readonly version: string | null;
  /** The tool's own name of the conversation. */
  readonly sessionId: string | null;
}

export type HeaderLookup = (name: string) => string | null;

/** Products in `User-Agent` and the names that this agent calls them by elsewhere. */
const products: readonly (readonly [pattern: RegExp, tool: string])[] = [
  [/^claude-cli\/(\S+)/, "claude-code"],
  [/^(?:codex_cli_rs|codex-tui|codex_exec|codex_vscode)\/(\S+)/, "codex-cli"],
  [/^GeminiCLI(?:-[a-z0-9-]+)?\/(\S+?)(?:\/|\s|$)/, "gemini-cli"],
  [/^CloudCodeVSCode\/(\S+)/, "gemini-code-assist"],
  [/^GitHubCopilotChat\/(\S+)/, "copilot-chat"],
  [/^opencode\/(\S+)/, "opencode"],
  [/^Cline\/(\S+)/i, "cline"],
  [/^RooCode\/(\S+)/i, "roo-code"],
  [/^Kilo-Code\/(\S+)/i, "kilo-code"],
  [/^Zed\/(\S+)/, "zed"],
  [/^litellm\/(\S+)/, "litellm"],
  [/^(?:Anthropic|AsyncAnthropic)\/\w+ (\S+)/, "anthropic-sdk"],
  [/^(?:OpenAI|AsyncOpenAI|AzureOpenAI|AsyncAzureOpenAI)\/\w+ (\S+)/, "openai-sdk"],
  [/^google-genai-sdk\/(\S+)/, "google-genai-sdk"],
  [/^(?:Boto3|aws-sdk-js|aws-cli)\/(\S+)/, "aws-sdk"],
];

const originators = new Set(["codex_cli_rs", "codex-tui", "codex_exec", "codex_vscode"]);

/** The thread, by which its log is named, in the fields of newer versions and of older ones. */
const codexSessionFields = ["thread-id", "session-id", "session_id", "conversation_id"];

/** An explicit header first, then the user agent; "unknown" where neither says. */
export function readToolSigns(header: HeaderLookup): ToolSigns {
  const agent = (header("user-agent") ?? "").slice(0, 500);
  const byAgent = products
    .map(([pattern, tool]) => ({ tool, match: pattern.exec(agent) }))
    .find(({ match }) => match !== null);
  const version = id(byAgent?.match?.[1]) ?? null;
  const claudeSession = id(header("x-claude-code-session-id"));
  if (claudeSession !== null) return { tool: "claude-code", version, sessionId: claudeSession };
  const integration = header("copilot-integration-id");
  if (integration !== null) {
    return { tool: integration === "copilot-cli" ? "copilot-cli" : "copilot-chat", version, sessionId: null };
  }
  if (originators.has(header("originator") ?? "")) {
    const sessionId =
      codexSessionFields.map((name) => id(header(name))).find((each) => each !== null) ?? null;
    return { tool: "codex-cli", version, sessionId };
  }
  return { tool: byAgent?.tool ?? "unknown", version, sessionId: null };
}
