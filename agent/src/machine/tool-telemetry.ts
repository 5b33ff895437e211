import type { PlacedLines, PlacedValues } from "./change.ts";

/** Tools that report their calls by OpenTelemetry once they are told to, by the folder of their settings. */
export const telemetryTools = [".claude", ".codex", ".gemini"] as const;
export type TelemetryTool = (typeof telemetryTools)[number];

/** What a tool's own settings have to say; `at` gives the path of a file in the person's home folder. */
interface ToolSettings {
  readonly lines: readonly PlacedLines[];
  readonly values: readonly PlacedValues[];
}

/**
 * Settings that make a tool send its telemetry, without the text of prompts, to the receiver at `address`. Sources: the
 * pages on monitoring of Claude Code and Gemini CLI, `docs/config.md` of Codex.
 */
export function telemetrySettings(
  tool: TelemetryTool,
  address: string,
  at: (file: string) => string,
): ToolSettings {
  switch (tool) {
    case ".claude":
      return { lines: [], values: [{ path: at(".claude/settings.json"), values: claudeCode(address) }] };
    case ".codex":
      return { lines: [{ path: at(".codex/config.toml"), ...codex(address) }], values: [] };
    case ".gemini":
      return { lines: [], values: [{ path: at(".gemini/settings.json"), values: geminiCli(address) }] };
  }
}

function claudeCode(address: string): PlacedValues["values"] {
  const environment = {
    CLAUDE_CODE_ENABLE_TELEMETRY: "1",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_ENDPOINT: address,
  };
  return Object.entries(environment).map(([name, value]) => ({ keys: ["env", name] as const, value }));
}

function geminiCli(address: string): PlacedValues["values"] {
  const telemetry = {
    enabled: true,
    target: "local",
    otlpEndpoint: address,
    otlpProtocol: "http",
    logPrompts: false,
  };
  return Object.entries(telemetry).map(([name, value]) => ({ keys: ["telemetry", name] as const, value }));
}

/** A table may stand in a file once. */
function codex(address: string): Omit<PlacedLines, "path"> {
  const exporter = `{ otlp-http = { endpoint = "${address}/v1/logs", protocol = "binary" } }`;
  return {
    lines: `[otel]\nexporter = ${exporter}\nlog_user_prompt = false\n`,
    unless: /^\s*(?:\[{1,2}\s*["']?otel\b|["']?otel["']?\s*[.=])/m,
  };
}
