/** OpenCode's database: `message` of 1.x and `session_message` of 2; a migrated file holds both, joined by message id. */
import { readCount, totalTokens, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import type { Silence } from "./answers.ts";
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
      // Usage, and whatever is no question: an answer with none, or what is no text any more.
      where: `m.data NOT LIKE '%"role":"user"%' OR m.data LIKE '%"tokens"%'`,
      changed: "time_updated",
      version: "(SELECT version FROM session WHERE id = m.session_id)",
      read: readMessage,
      silence: silenceInMessage,
    },
    {
      name: "session_message",
      columns: "m.id, m.session_id, m.data, s.directory",
      from: "session_message m LEFT JOIN session_v2 s ON s.id = m.session_id",
      where: "m.type = 'assistant'",
      changed: "time_updated",
      version: "s.version",
      read: readMessage,
      silence: silenceInAnswer,
    },
  ],
  isNeverWithout: true,
};

function readMessage(row: Fields): Sighting[] {
  const id = name(row["id"]);
  const data = readData(row);
  if (id === null || data === null) return [];
  const time = fields(data["time"]);
  const occurredAt = instant(time["created"]) ?? instant(time["completed"]);
  const counts = readTokens(fields(data["tokens"]));
  if (occurredAt === null || counts === null || isNothing(counts)) return [];
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

/** 1.x: any message. Some builds call the model itself a role; what ended without a reason is of older ones. */
function silenceInMessage(row: Fields): Silence {
  const data = readData(row);
  if (data === null) return "finished";
  const { role, time, finish } = data;
  if (role !== "assistant" && role !== "model") return "no_answer";
  const { created, completed } = fields(time);
  const isRunning = instant(created) !== null && instant(completed) === null && name(finish) === null;
  return isRunning ? "open" : silenceAtEnd(data);
}

/** 2: answers alone. One that was cancelled is ended as the next begins, without a reason why it finished. */
function silenceInAnswer(row: Fields): Silence {
  const data = readData(row);
  if (data === null) return "finished";
  if (name(data["finish"]) !== null) return silenceAtEnd(data);
  return instant(fields(data["time"])["completed"]) === null ? "open" : "no_answer";
}

/** Failed answers hold an error, cancelled ones of 1.x too; and not every provider counts. */
function silenceAtEnd({ error = null, tokens }: Fields): Silence {
  const counts = readTokens(fields(tokens));
  return error !== null || (counts !== null && isNothing(counts)) ? "no_answer" : "finished";
}

/** Null for what is no JSON text. */
function readData({ data }: Fields): Fields | null {
  return typeof data === "string" ? parseFields(data) : null;
}

/** Disjoint counts. */
function readTokens(given: Fields): TokenCounts | null {
  const cache = fields(given["cache"]);
  const input = readCount(given["input"]);
  const output = readCount(given["output"]);
  const reasoning = readCount(given["reasoning"]) ?? 0;
  if (input === null || output === null) return null;
  return {
    input,
    output: output + reasoning,
    cacheRead: readCount(cache["read"]),
    cacheWrite5m: readCount(cache["write"]),
    cacheWrite1h: null,
    reasoning,
  };
}

/** An answer of zeros only has not happened yet, or its provider counts nothing. */
function isNothing(counts: TokenCounts): boolean {
  return totalTokens(counts) === 0;
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
