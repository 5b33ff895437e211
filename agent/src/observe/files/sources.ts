import { join } from "node:path";
import type { Reader } from "./reader.ts";

/**
 * A kind of log: by its name `readers.ts` knows the reader. Finding logs does not load the readers, most of which a scan
 * without news has no use for.
 */
export interface LogFormat {
  readonly name: FormatName;
  readonly kind: Reader["kind"];
}

export type FormatName =
  | "amp"
  | "claude-code"
  | "cline"
  | "cline-cli"
  | "codex-cli"
  | "copilot-cli-events"
  | "copilot-cli-store"
  | "gemini-cli"
  | "gemini-cli-document"
  | "kilo-code"
  | "opencode"
  | "roo-code";

/** A folder in which a tool leaves its logs, and which files in it those are. */
export interface Source {
  readonly tool: string;
  readonly folder: string;
  /** How many levels below the folder files may lie; bounds what is walked. */
  readonly depth: number;
  /** What a file is, by its path below the folder with `/` between names; null for files of another kind. */
  readonly formatOf: (relative: string) => LogFormat | null;
}

/** What decides where tools keep their logs. */
export interface Home {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const claudeCode: LogFormat = { name: "claude-code", kind: "lines" };
const codexCli: LogFormat = { name: "codex-cli", kind: "lines" };
const geminiCli: LogFormat = { name: "gemini-cli", kind: "lines" };
const geminiCliDocument: LogFormat = { name: "gemini-cli-document", kind: "document" };
const opencode: LogFormat = { name: "opencode", kind: "database" };
const copilotCliStore: LogFormat = { name: "copilot-cli-store", kind: "database" };
const copilotCliEvents: LogFormat = { name: "copilot-cli-events", kind: "lines" };
const amp: LogFormat = { name: "amp", kind: "document" };
const clineCli: LogFormat = { name: "cline-cli", kind: "document" };

/** Every folder where a tool we can read may leave its logs, whether or not it exists. */
export function sourcesOf(machine: Home): readonly Source[] {
  const { home, env } = machine;
  const data = env["XDG_DATA_HOME"] ?? join(home, ".local", "share");
  return [
    ...claudeFolders(machine).map((folder) =>
      source("claude-code", join(folder, "projects"), 8, jsonl(claudeCode)),
    ),
    ...desktopFolders(machine).map((folder) =>
      source("claude-code", folder, 12, (file) =>
        file.includes("/projects/") && file.endsWith(".jsonl") ? claudeCode : null,
      ),
    ),
    ...["sessions", "archived_sessions"].map((folder) =>
      source("codex-cli", join(env["CODEX_HOME"] ?? join(home, ".codex"), folder), 4, (file) =>
        /(?:^|\/)rollout-[^/]*\.jsonl(?:\.zst)?$/.test(file) ? codexCli : null,
      ),
    ),
    source("gemini-cli", join(env["GEMINI_DATA_DIR"] ?? join(home, ".gemini"), "tmp"), 4, (file) => {
      if (!/(?:^|\/)chats\//.test(file)) return null;
      return file.endsWith(".jsonl") ? geminiCli : file.endsWith(".json") ? geminiCliDocument : null;
    }),
    source("opencode", env["OPENCODE_DATA_DIR"] ?? join(data, "opencode"), 0, (file) =>
      /^opencode(?:-[\w.-]+)?\.db$/.test(file) ? opencode : null,
    ),
    source("copilot-cli", join(home, ".copilot"), 2, (file) => {
      if (file === "session-store.db") return copilotCliStore;
      return /^session-state\/[^/]+\/events\.jsonl$/.test(file) ? copilotCliEvents : null;
    }),
    source("amp", join(env["AMP_DATA_DIR"] ?? join(data, "amp"), "threads"), 0, (file) =>
      /^T-[^/]*\.json$/.test(file) ? amp : null,
    ),
    ...editorFolders(machine).flatMap((folder) =>
      extensions.map(([extension, tool]) =>
        source(tool, join(folder, "User", "globalStorage", extension, "tasks"), 1, (file) =>
          file.endsWith("/ui_messages.json") ? { name: tool, kind: "document" } : null,
        ),
      ),
    ),
    source("cline-cli", clineSessions(machine), 1, (file) =>
      file.endsWith(".messages.json") ? clineCli : null,
    ),
  ];
}

const extensions = [
  ["saoudrizwan.claude-dev", "cline"],
  ["rooveterinaryinc.roo-cline", "roo-code"],
  ["kilocode.kilo-code", "kilo-code"],
] as const;

/** Tools whose logs this agent reads, wherever they keep them. */
export const loggingTools: ReadonlySet<string> = new Set(
  sourcesOf({ home: "/", platform: "linux", env: {} }).map(({ tool }) => tool),
);

function source(tool: string, folder: string, depth: number, formatOf: Source["formatOf"]): Source {
  return { tool, folder, depth, formatOf };
}

function jsonl(format: LogFormat): Source["formatOf"] {
  return (file) => (file.endsWith(".jsonl") ? format : null);
}

function claudeFolders({ home, env }: Home): readonly string[] {
  const configured = env["CLAUDE_CONFIG_DIR"];
  if (configured !== undefined && configured !== "") {
    return configured
      .split(",")
      .map((folder) => folder.trim())
      .filter((folder) => folder !== "");
  }
  return [join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "claude"), join(home, ".claude")];
}

/** Where Claude's desktop application keeps the sessions of its local agents. */
function desktopFolders({ home, platform, env }: Home): readonly string[] {
  const roots =
    platform === "darwin"
      ? [join(home, "Library", "Application Support")]
      : platform === "win32"
        ? [env["APPDATA"] ?? join(home, "AppData", "Roaming")]
        : [env["XDG_CONFIG_HOME"] ?? join(home, ".config")];
  return roots.map((root) => join(root, "Claude", "local-agent-mode-sessions"));
}

/** User folders of VS Code and of the editors made from it. */
function editorFolders({ home, platform, env }: Home): readonly string[] {
  const root =
    platform === "darwin"
      ? join(home, "Library", "Application Support")
      : platform === "win32"
        ? (env["APPDATA"] ?? join(home, "AppData", "Roaming"))
        : (env["XDG_CONFIG_HOME"] ?? join(home, ".config"));
  const editors = ["Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf"];
  return [...editors.map((editor) => join(root, editor)), join(home, ".vscode-server", "data")];
}

function clineSessions({ home, env }: Home): string {
  const data = env["CLINE_DATA_DIR"] ?? join(env["CLINE_DIR"] ?? join(home, ".cline"), "data");
  return env["CLINE_SESSION_DATA_DIR"] ?? join(data, "sessions");
}
