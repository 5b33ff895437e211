import type { AiHost } from "@flowstate/shared/hosts";
import { foldAnthropic } from "./usage/anthropic.ts";
import { foldConverse, foldInvoke } from "./usage/bedrock.ts";
import { foldCohere } from "./usage/cohere.ts";
import { foldGemini, foldGeminiLive } from "./usage/gemini.ts";
import { foldOllama } from "./usage/ollama.ts";
import { foldOpenAi } from "./usage/openai.ts";
import type { Fold } from "./usage/reading.ts";

/** The API whose error shape a refusal takes. */
export type ApiFamily = "anthropic" | "openai" | "gemini" | "bedrock" | "cohere" | "ollama";

/**
 * Which answers tell their usage: all of them; all but streams that were not asked for it (`include_usage`); or not even
 * all others, such as pictures, sound and what is billed by the search.
 */
export type TellsUsage = "always" | "asked" | "seldom";

/** A call that costs something: how its answer is read and what its path already says. */
export interface Endpoint {
  readonly family: ApiFamily;
  readonly usage: TellsUsage;
  readonly fold: Fold;
  /** Model named in the path; null where the body names it, or where a deployment's own name stands there. */
  readonly model: string | null;
  /** A Gemini stream without `alt=sse` is one JSON array. */
  readonly isArray: boolean;
}

/** A WebSocket over which calls are made, and which API's messages they are. */
export interface SocketEndpoint extends Endpoint {
  readonly dialect: "responses" | "realtime" | "live";
}

interface Row {
  readonly path: RegExp;
  readonly family: ApiFamily;
  readonly usage: TellsUsage;
  readonly fold: Fold;
}

/** First match wins. A group named `model` is the model. */
const rows: readonly Row[] = [
  { path: /\/v1\/messages$/, family: "anthropic", usage: "always", fold: foldAnthropic },
  {
    path: /\/publishers\/anthropic\/models\/(?<model>[^/:]+):(?:stream)?[rR]awPredict$/,
    family: "anthropic",
    usage: "always",
    fold: foldAnthropic,
  },
  {
    path: /\/publishers\/mistralai\/models\/(?<model>[^/:]+):(?:stream)?[rR]awPredict$/,
    family: "openai",
    usage: "asked",
    fold: foldOpenAi,
  },
  {
    path: /\/model\/(?<model>[^/]+)\/converse(?:-stream)?$/,
    family: "bedrock",
    usage: "always",
    fold: foldConverse,
  },
  {
    path: /\/model\/(?<model>[^/]*anthropic[^/]*)\/invoke(?:-with-response-stream)?$/,
    family: "bedrock",
    usage: "always",
    fold: foldInvoke,
  },
  // Other models answer in their vendors' own shapes, some of them in pictures.
  {
    path: /\/model\/(?<model>[^/]+)\/invoke(?:-with-response-stream)?$/,
    family: "bedrock",
    usage: "seldom",
    fold: foldInvoke,
  },
  {
    path: /\/models\/(?<model>[^/:]+):(?:streamG|g)enerateContent$/,
    family: "gemini",
    usage: "always",
    fold: foldGemini,
  },
  {
    path: /\/v1internal:(?:streamG|g)enerateContent$/,
    family: "gemini",
    usage: "always",
    fold: foldGemini,
  },
  { path: /\/v[12]\/(?:chat|generate|embed)$/, family: "cohere", usage: "always", fold: foldCohere },
  { path: /\/v[12]\/rerank$/, family: "cohere", usage: "seldom", fold: foldCohere },
  { path: /\/api\/(?:chat|generate|embed)$/, family: "ollama", usage: "always", fold: foldOllama },
  { path: /\/api\/embeddings$/, family: "ollama", usage: "seldom", fold: foldOllama },
  {
    path: /\/(?:chat\/completions|completions)$/,
    family: "openai",
    usage: "asked",
    fold: foldOpenAi,
  },
  { path: /\/(?:embeddings|responses)$/, family: "openai", usage: "always", fold: foldOpenAi },
  {
    path: /\/backend-api\/codex\/responses(?:\/compact)?$/,
    family: "openai",
    usage: "always",
    fold: foldOpenAi,
  },
  { path: /\/images\/(?:generations|edits)$/, family: "openai", usage: "seldom", fold: foldOpenAi },
  {
    path: /\/audio\/(?:transcriptions|translations)$/,
    family: "openai",
    usage: "seldom",
    fold: foldOpenAi,
  },
];

const socketRows: readonly (Row & Pick<SocketEndpoint, "dialect">)[] = [
  { path: /\/responses$/, family: "openai", usage: "always", fold: foldOpenAi, dialect: "responses" },
  { path: /\/realtime$/, family: "openai", usage: "always", fold: foldOpenAi, dialect: "realtime" },
  {
    path: /\/ws\/google\.(?:ai|cloud)\.[\w.]+[./]BidiGenerateContent(?:Constrained)?$/,
    family: "gemini",
    usage: "always",
    fold: foldGeminiLive,
    dialect: "live",
  },
];

/** Families that an API of the host table covers. */
const families: Readonly<Record<AiHost["apis"][number], ApiFamily>> = {
  anthropic: "anthropic",
  openai: "openai",
  gemini: "gemini",
  "gemini-code-assist": "gemini",
  bedrock: "bedrock",
  cohere: "cohere",
  ollama: "ollama",
};

/** The call behind a method and a request target, or null for everything that costs nothing, such as listing models. */
export function findEndpoint(host: AiHost, method: string, target: string): Endpoint | null {
  const [path = "", query = ""] = target.split("?", 2);
  if (!isServed(host, path)) return null;
  for (const row of rows) {
    const match = row.path.exec(path);
    if (match === null || !speaks(host, row.family)) continue;
    if (method !== "POST") return null;
    const model = match.groups?.["model"];
    return {
      family: row.family,
      usage: row.usage,
      fold: row.fold,
      model: model === undefined ? null : decodeOnce(model),
      isArray: path.endsWith(":streamGenerateContent") && !/(?:^|&)alt=sse(?:&|$)/.test(query),
    };
  }
  return null;
}

/** What is said over the WebSocket behind a request target, or null where no calls are made over it. */
export function findSocketEndpoint(host: AiHost, target: string): SocketEndpoint | null {
  const [path = "", query = ""] = target.split("?", 2);
  if (!isServed(host, path)) return null;
  for (const { path: known, ...endpoint } of socketRows) {
    if (!known.test(path) || !speaks(host, endpoint.family)) continue;
    // On Azure it is a deployment's own name.
    const isNamed = endpoint.dialect === "realtime" && host.provider !== "azure-openai";
    const model = isNamed ? new URLSearchParams(query).get("model") : null;
    return { ...endpoint, model, isArray: false };
  }
  return null;
}

function isServed(host: AiHost, path: string): boolean {
  return host.paths.length === 0 || host.paths.some((prefix) => path.startsWith(prefix));
}

/** Cohere has an OpenAI-compatible path too, as most others do. */
function speaks({ apis }: AiHost, family: ApiFamily): boolean {
  const spoken = new Set(apis.map((api) => families[api]));
  return spoken.has(family) || (family === "openai" && spoken.has("cohere"));
}

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
