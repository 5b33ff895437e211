/** OpenCode's database: `message` of 1.x and `session_message` of 2; a migrated file holds both, joined by message id. */
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { fields, instant, name, parseFields, path, type Fields } from "./json.ts";
import type { DatabaseReader } from "./reader.ts";

export const opencode: DatabaseReader = {
  kind: "database",
  tool: "opencode",
  tables: [
    {
      name: "message",
      columns: "m.id, m.session_id, m.data",
      from: "message m",
      where: `m.data LIKE '%"tokens"%'`,
      changed: "time_updated",
      read: readMessage,
    },
    {
      name: "session_message",
      columns: "m.id, m.session_id, m.data, s.directory",
      from: "session_message m LEFT JOIN session_v2 s ON s.id = m.session_id",
      where: `m.type = 'assistant' AND m.data LIKE '%"tokens"%'`,
      changed: "time_updated",
      read: readMessage,
    },
  ],
};

function readMessage(row: Fields): Sighting[] {
  const id = name(row["id"]);
  const data = typeof row["data"] === "string" ? parseFields(row["data"]) : null;
  if (id === null || data === null) return [];
  const time = fields(data["time"]);
  const occurredAt = instant(time["created"]) ?? instant(time["completed"]);
  const counts = readTokens(fields(data["tokens"]));
  if (occurredAt === null || counts === null) return [];
  const model = fields(data["model"]);
  const completed = instant(time["completed"]);
  return [
    logSighting({
      callId: `opencode:${id}`,
      tool: "opencode",
      provider: providerOf(name(data["providerID"]) ?? name(model["providerID"])),
      model: name(data["modelID"]) ?? name(model["id"]),
      place: {
        occurredAt,
        sessionId: name(row["session_id"]),
        cwd: path(fields(data["path"])["cwd"]) ?? path(row["directory"]),
      },
      tokens: counts,
      durationMs: completed === null ? null : Math.max(0, completed - occurredAt),
    }),
  ];
}

/** Disjoint counts; an answer of zeros only has not happened. */
function readTokens(given: Fields): TokenCounts | null {
  const cache = fields(given["cache"]);
  const input = readCount(given["input"]);
  const output = readCount(given["output"]);
  const reasoning = readCount(given["reasoning"]) ?? 0;
  const cacheRead = readCount(cache["read"]);
  const cacheWrite = readCount(cache["write"]);
  if (input === null || output === null) return null;
  if (input + output + reasoning + (cacheRead ?? 0) + (cacheWrite ?? 0) === 0) return null;
  return {
    input,
    output: output + reasoning,
    cacheRead,
    cacheWrite5m: cacheWrite,
    cacheWrite1h: null,
    reasoning,
  };
}

/** OpenCode's names of providers that we call otherwise. */
const providers: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "amazon-bedrock": "aws-bedrock",
    azure: "azure-openai",
    "google-vertex-anthropic": "google-vertex",
    "github-copilot-enterprise": "github-copilot",
    togetherai: "together",
    "fireworks-ai": "fireworks",
    moonshotai: "moonshot",
    zhipuai: "zai",
  }),
);

function providerOf(id: string | null): string {
  return id === null ? "opencode" : (providers.get(id) ?? id);
}
