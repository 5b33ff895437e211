/** The usage of every API that is read on the wire, whole and streamed, cut anywhere, compressed, broken off and hostile. */
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { must } from "@flowstate/shared/assert";
import { recogniseHost } from "@flowstate/shared/hosts";
import type { TokenCounts } from "@flowstate/shared/tokens";
import { eventStreamMessage, invokeChunk } from "../../../test/support/event-stream.ts";
import { openExchange, type AnswerListener } from "./exchange.ts";
import type { FinishedCall } from "./finished-call.ts";
import { findEndpoint } from "./endpoint.ts";
import type { OutputTrust, Sighting } from "../../normalise/sighting.ts";

interface Sample {
  readonly host: string;
  readonly path: string;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly request?: unknown;
  /** Model, id and `input read write5m write1h output reasoning`, `-` for unknown. */
  readonly expect: string;
  readonly trust?: OutputTrust;
}

const sse = (...events: readonly unknown[]): string =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("");
interface NamedEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}
const named = (...events: readonly NamedEvent[]): string =>
  events.map((event) => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`).join("");
const json = "application/json";
const stream = "text/event-stream; charset=utf-8";
const eventStream = "application/vnd.amazon.eventstream";

const chatUsage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  completion_tokens_details: { reasoning_tokens: 5 },
};
const anthropicUsage = {
  input_tokens: 412,
  cache_read_input_tokens: 15_010,
  cache_creation_input_tokens: 1200,
  cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 1000 },
};
const anthropicEvents = [
  {
    type: "message_start",
    message: { id: "msg_1", model: "claude-x", usage: { ...anthropicUsage, output_tokens: 1 } },
  },
  { type: "ping" },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "caf\u00e9 \u{1F600}" } },
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn" },
    usage: { output_tokens: 96, input_tokens: null, cache_creation_input_tokens: 1200 },
  },
  { type: "message_stop" },
];
const anthropicCounts = "claude-x msg_1 412 15010 200 1000 96 -";
const geminiUsage = {
  promptTokenCount: 100,
  cachedContentTokenCount: 30,
  candidatesTokenCount: 7,
  thoughtsTokenCount: 11,
  toolUsePromptTokenCount: 5,
  totalTokenCount: 123,
};
const geminiChunk = (
  text: string,
  finishReason?: string,
  usageMetadata: unknown = { promptTokenCount: 100 },
) => ({
  candidates: [{ content: { parts: [{ text }] }, finishReason }],
  usageMetadata,
  modelVersion: "gemini-x",
  responseId: "g1",
});
const geminiEvents = [geminiChunk('a]}"{'), geminiChunk("b", "STOP", geminiUsage)];
const geminiCounts = "gemini-x g1 75 30 0 0 18 11";
const response = (status: string) => ({
  id: "resp_1",
  model: "gpt-x",
  status,
  service_tier: "priority",
  usage: {
    input_tokens: 50,
    input_tokens_details: { cached_tokens: 8 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 4 },
  },
});

const samples: Readonly<Record<string, Sample>> = {
  "OpenAI chat": {
    host: "api.openai.com",
    path: "/v1/chat/completions",
    type: json,
    body: JSON.stringify({
      id: "chatcmpl-1",
      model: "gpt-x",
      choices: [{ message: { content: "hi" }, finish_reason: "stop" }],
      usage: chatUsage,
    }),
    expect: "gpt-x chatcmpl-1 30 60 10 - 20 5",
  },
  "OpenAI chat stream with usage": {
    host: "api.openai.com",
    path: "/v1/chat/completions",
    type: stream,
    body: sse(
      { id: "chatcmpl-1", model: "gpt-x", choices: [{ delta: { content: "hi" } }], usage: null },
      { id: "chatcmpl-1", model: "gpt-x", choices: [{ delta: {}, finish_reason: "stop" }], usage: null },
      { id: "chatcmpl-1", model: "gpt-x", choices: [], usage: chatUsage },
      "[DONE]",
    ),
    expect: "gpt-x chatcmpl-1 30 60 10 - 20 5",
  },
  "OpenAI chat stream without usage": {
    host: "api.openai.com",
    path: "/v1/chat/completions",
    type: stream,
    request: { model: "gpt-x", stream: true, messages: [{ role: "user", content: "four words stand here" }] },
    body: sse(
      { id: "chatcmpl-2", model: "gpt-x", choices: [{ delta: { content: "a few words" } }] },
      { id: "chatcmpl-2", model: "gpt-x", choices: [{ delta: {}, finish_reason: "stop" }] },
      "[DONE]",
    ),
    expect: "gpt-x chatcmpl-2 4 - - - 3 -",
    trust: "estimated",
  },
  "OpenAI Responses": {
    host: "api.openai.com",
    path: "/v1/responses",
    type: json,
    body: JSON.stringify(response("completed")),
    expect: "gpt-x resp_1 42 8 - - 9 4",
  },
  "OpenAI Responses stream": {
    host: "chatgpt.com",
    path: "/backend-api/codex/responses",
    type: stream,
    body: named(
      { type: "response.created", response: { id: "resp_1", model: "gpt-x", usage: null } },
      { type: "response.output_text.delta", delta: "hi" },
      { type: "response.completed", response: response("completed") },
    ),
    expect: "gpt-x resp_1 42 8 - - 9 4",
  },
  "OpenAI Responses stream cut by the token limit": {
    host: "eu.api.openai.com",
    path: "/v1/responses",
    type: stream,
    body: named({ type: "response.incomplete", response: response("incomplete") }),
    expect: "gpt-x resp_1 42 8 - - 9 4",
  },
  "OpenAI embeddings": {
    host: "api.openai.com",
    path: "/v1/embeddings",
    type: json,
    body: JSON.stringify({
      object: "list",
      data: [],
      model: "emb-x",
      usage: { prompt_tokens: 8, total_tokens: 8 },
    }),
    headers: { "x-request-id": "req_e" },
    expect: "emb-x req_e 8 - - - 0 -",
  },
  "Azure OpenAI stream with a filter chunk first": {
    host: "acme.openai.azure.com",
    path: "/openai/deployments/mine/chat/completions?api-version=1",
    type: stream,
    body: sse(
      { id: "", model: "", choices: [], prompt_filter_results: [{}] },
      {
        id: "chatcmpl-3",
        model: "gpt-x-2026",
        choices: [{ delta: { content: "x" }, finish_reason: "stop" }],
      },
      {
        id: "chatcmpl-3",
        model: "gpt-x-2026",
        choices: [],
        usage: { prompt_tokens: 5, completion_tokens: 1 },
      },
    ),
    expect: "gpt-x-2026 chatcmpl-3 5 - - - 1 -",
  },
  "OpenRouter stream with comments": {
    host: "openrouter.ai",
    path: "/api/v1/chat/completions",
    type: stream,
    body: `: OPENROUTER PROCESSING\n\n${sse({ id: "gen-1", model: "m/x", choices: [{ delta: { content: "" }, finish_reason: "stop" }], usage: { prompt_tokens: 3, completion_tokens: 2, cost: 0.1 } })}`,
    expect: "m/x gen-1 3 - - - 2 -",
  },
  "Groq stream, usage in x_groq": {
    host: "api.groq.com",
    path: "/openai/v1/chat/completions",
    type: stream,
    body: sse({
      id: "c-1",
      model: "llama-x",
      choices: [{ delta: {}, finish_reason: "stop" }],
      x_groq: { usage: { prompt_tokens: 4, completion_tokens: 6 } },
    }),
    expect: "llama-x c-1 4 - - - 6 -",
  },
  Together: {
    host: "api.together.xyz",
    path: "/v1/completions",
    type: json,
    body: JSON.stringify({
      id: "t-1",
      model: "t/x",
      choices: [{ text: "a" }],
      usage: { prompt_tokens: 4, completion_tokens: 1 },
    }),
    expect: "t/x t-1 4 - - - 1 -",
  },
  Fireworks: {
    host: "api.fireworks.ai",
    path: "/inference/v1/chat/completions",
    type: json,
    body: JSON.stringify({
      id: "f-1",
      model: "f/x",
      choices: [],
      usage: { prompt_tokens: 4, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 4 } },
    }),
    expect: "f/x f-1 0 4 - - 1 -",
  },
  "Mistral stream": {
    host: "api.mistral.ai",
    path: "/v1/chat/completions",
    type: stream,
    body: sse(
      {
        id: "m-1",
        model: "mistral-x",
        choices: [{ delta: { content: "a" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 9, completion_tokens: 3 },
      },
      "[DONE]",
    ),
    expect: "mistral-x m-1 9 - - - 3 -",
  },
  "DeepSeek cache": {
    host: "api.deepseek.com",
    path: "/chat/completions",
    type: json,
    body: JSON.stringify({
      id: "d-1",
      model: "deepseek-x",
      choices: [],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 2,
        prompt_cache_hit_tokens: 7,
        prompt_cache_miss_tokens: 3,
      },
    }),
    expect: "deepseek-x d-1 3 7 - - 2 -",
  },
  "Anthropic message": {
    host: "api.anthropic.com",
    path: "/v1/messages",
    type: json,
    headers: { "request-id": "req_1" },
    body: JSON.stringify({
      type: "message",
      id: "msg_1",
      model: "claude-x",
      stop_reason: "end_turn",
      content: [],
      usage: { ...anthropicUsage, output_tokens: 96 },
    }),
    expect: anthropicCounts,
  },
  "Anthropic stream": {
    host: "api.anthropic.com",
    path: "/v1/messages?beta=true",
    type: stream,
    body: named(...anthropicEvents),
    expect: anthropicCounts,
  },
  "Anthropic stream on Vertex": {
    host: "us-east5-aiplatform.googleapis.com",
    type: stream,
    path: "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@20250101:streamRawPredict",
    body: named(...anthropicEvents),
    expect: anthropicCounts,
  },
  "Anthropic stream that broke off": {
    host: "api.anthropic.com",
    path: "/v1/messages",
    type: stream,
    body: named(...anthropicEvents.slice(0, 3)),
    expect: "claude-x msg_1 412 15010 200 1000 3 -",
    trust: "estimated",
  },
  Gemini: {
    host: "generativelanguage.googleapis.com",
    path: "/v1beta/models/gemini-x:generateContent",
    type: json,
    body: JSON.stringify(geminiEvents[1]),
    expect: geminiCounts,
  },
  "Gemini stream": {
    host: "generativelanguage.googleapis.com",
    path: "/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
    type: stream,
    body: sse(...geminiEvents),
    expect: geminiCounts,
  },
  "Gemini stream as an array": {
    host: "aiplatform.googleapis.com",
    path: "/v1/publishers/google/models/gemini-x:streamGenerateContent",
    type: json,
    body: JSON.stringify(geminiEvents, null, 2),
    expect: geminiCounts,
  },
  "Code Assist stream": {
    host: "cloudcode-pa.googleapis.com",
    path: "/v1internal:streamGenerateContent?alt=sse",
    type: stream,
    body: sse(...geminiEvents.map((event) => ({ response: event }))),
    expect: geminiCounts,
  },
  "Bedrock converse": {
    host: "bedrock-runtime.eu-west-1.amazonaws.com",
    path: "/model/eu.anthropic.claude-x-v1%3A0/converse",
    type: json,
    headers: { "x-amzn-requestid": "aws-1" },
    body: JSON.stringify({
      output: { message: { content: [{ text: "x" }] } },
      stopReason: "end_turn",
      usage: {
        inputTokens: 5,
        outputTokens: 6,
        cacheReadInputTokens: 7,
        cacheWriteInputTokens: 8,
        cacheDetails: [{ ttl: "1h", inputTokens: 3 }],
      },
    }),
    expect: "eu.anthropic.claude-x-v1:0 aws-1 5 7 5 3 6 -",
  },
  "Bedrock converse stream": {
    host: "bedrock-runtime.eu-west-1.amazonaws.com",
    path: "/model/nova/converse-stream",
    type: eventStream,
    headers: { "x-amzn-requestid": "aws-2" },
    body: Buffer.concat([
      eventStreamMessage("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "hi" } }),
      eventStreamMessage("messageStop", { stopReason: "end_turn" }),
      eventStreamMessage("metadata", {
        usage: { inputTokens: 5, outputTokens: 6, totalTokens: 11 },
        metrics: { latencyMs: 3 },
      }),
    ]),
    expect: "nova aws-2 5 - - - 6 -",
  },
  "Bedrock invoke, Anthropic's shape": {
    host: "bedrock-runtime-fips.us-east-1.amazonaws.com",
    path: "/model/m/invoke",
    type: json,
    headers: { "x-amzn-requestid": "aws-3", "x-amzn-bedrock-input-token-count": "999" },
    body: JSON.stringify({
      type: "message",
      id: "msg_bdrk_1",
      model: "claude-x",
      content: [],
      stop_reason: "end_turn",
      usage: { input_tokens: 1, output_tokens: 2 },
    }),
    expect: "claude-x msg_bdrk_1 1 - - - 2 -",
  },
  "Bedrock invoke, counts in the head": {
    host: "bedrock-runtime.us-east-1.amazonaws.com",
    path: "/model/m/invoke",
    type: json,
    headers: {
      "x-amzn-requestid": "aws-4",
      "x-amzn-bedrock-input-token-count": "11",
      "x-amzn-bedrock-output-token-count": "12",
    },
    body: JSON.stringify({ completion: "text" }),
    expect: "m aws-4 11 - - - 12 -",
  },
  "Bedrock invoke stream": {
    host: "bedrock-runtime.us-east-1.amazonaws.com",
    path: "/model/m/invoke-with-response-stream",
    type: eventStream,
    body: Buffer.concat([
      ...anthropicEvents.map(invokeChunk),
      invokeChunk({
        type: "message_stop",
        "amazon-bedrock-invocationMetrics": { inputTokenCount: 1, outputTokenCount: 1 },
      }),
    ]),
    expect: anthropicCounts,
  },
  "Bedrock invoke stream, Llama": {
    host: "bedrock-runtime.us-east-1.amazonaws.com",
    path: "/model/meta.llama/invoke-with-response-stream",
    type: eventStream,
    headers: { "x-amzn-requestid": "aws-5" },
    body: Buffer.concat([
      invokeChunk({ generation: "a", prompt_token_count: 10, generation_token_count: 1 }),
      invokeChunk({ generation: "b", generation_token_count: 2, stop_reason: "stop" }),
    ]),
    expect: "meta.llama aws-5 10 - - - 2 -",
  },
  "Cohere v2": {
    host: "api.cohere.com",
    path: "/v2/chat",
    type: json,
    request: { model: "command-x" },
    body: JSON.stringify({
      id: "c-1",
      finish_reason: "COMPLETE",
      message: { content: [{ text: "a" }] },
      usage: {
        billed_units: { input_tokens: 5, output_tokens: 2 },
        tokens: { input_tokens: 70, output_tokens: 3 },
      },
    }),
    expect: "command-x c-1 5 - - - 2 -",
  },
  "Cohere v2 stream": {
    host: "api.cohere.com",
    path: "/v2/chat",
    type: stream,
    request: { model: "command-x" },
    body: named(
      { type: "message-start", id: "c-2" },
      { type: "content-delta", delta: { message: { content: { text: "a" } } } },
      {
        type: "message-end",
        delta: {
          finish_reason: "COMPLETE",
          usage: { billed_units: { input_tokens: 5, output_tokens: 2 } },
        },
      },
    ),
    expect: "command-x c-2 5 - - - 2 -",
  },
  "Cohere v1 stream": {
    host: "api.cohere.ai",
    path: "/v1/chat",
    type: "application/stream+json",
    request: { model: "command-x" },
    body: `${JSON.stringify({ event_type: "text-generation", text: "a" })}\n${JSON.stringify({ event_type: "stream-end", response: { generation_id: "c-3", meta: { billed_units: { input_tokens: 5, output_tokens: 2 } } } })}\n`,
    expect: "command-x c-3 5 - - - 2 -",
  },
  "Ollama stream": {
    host: "ollama.com",
    path: "/api/chat",
    type: "application/x-ndjson",
    headers: { "x-request-id": "o-1" },
    body: `${JSON.stringify({ model: "l", message: { content: "a" }, done: false })}\n${JSON.stringify({ model: "l", done: true, prompt_eval_count: 26, prompt_eval_cached_count: 20, eval_count: 9 })}\n`,
    expect: "l o-1 6 20 - - 9 -",
  },
  "Ollama, prompt from the cache in an old version": {
    host: "ollama.com",
    path: "/api/generate",
    type: json,
    headers: { "x-request-id": "o-2" },
    request: { model: "l", prompt: "hello" },
    body: JSON.stringify({ model: "l", response: "a", done: true, eval_count: 9 }),
    expect: "l o-2 - - - - 9 -",
  },
};

const bedrockHost = "bedrock-runtime.us-east-1.amazonaws.com";

const open = (
  { host, path, request, headers = {}, type }: Sample,
  encoding?: string,
  listener: AnswerListener | null = null,
) => {
  const aiHost = must(recogniseHost(host), host);
  const endpoint = must(findEndpoint(aiHost, "POST", path), path);
  const exchange = openExchange({
    aiHost,
    host,
    path,
    endpoint,
    header: () => null,
    listen: () => listener,
    now: () => 1000,
  });
  if (request !== undefined) exchange.requestBody(Buffer.from(JSON.stringify(request)));
  const answered: Record<string, string> = { ...headers, "content-type": type };
  if (encoding !== undefined) answered["content-encoding"] = encoding;
  exchange.answerHead(200, (name) => answered[name] ?? null);
  return exchange;
};

const finish = async (
  sample: Sample,
  pieces: readonly Buffer[],
  encoding?: string,
): Promise<FinishedCall> => {
  const exchange = open(sample, encoding);
  for (const piece of pieces) exchange.answerBody(piece);
  return must(await exchange.finish(true), "an answer began");
};

const read = async (sample: Sample, pieces: readonly Buffer[], encoding?: string): Promise<Sighting> =>
  (await finish(sample, pieces, encoding)).sighting;

test("the answers of every API above are understood, or may be without usage", async (t) => {
  for (const [what, sample] of Object.entries(samples)) {
    const { isBlank } = await finish(sample, [Buffer.from(sample.body)]);
    t.not(isBlank, true, what);
  }
});

const changed = JSON.stringify({ id: "x", answer: "hi", consumption: { in: 5, out: 2 } });
const ask = { model: "m", stream: true };
const shapes: readonly (readonly [
  what: string,
  given: Partial<Sample> & Pick<Sample, "host" | "path">,
  isBlank: boolean | null,
])[] = [
  ["Messages", { host: "api.anthropic.com", path: "/v1/messages" }, true],
  [
    "Messages of another type",
    { host: "api.anthropic.com", path: "/v1/messages", type: "application/x" },
    true,
  ],
  [
    "chat completions",
    { host: "api.openai.com", path: "/v1/chat/completions", request: { model: "m" } },
    true,
  ],
  [
    "a stream that was not asked",
    { host: "api.openai.com", path: "/v1/chat/completions", request: ask },
    null,
  ],
  [
    "a stream that was asked",
    {
      host: "api.openai.com",
      path: "/v1/chat/completions",
      request: { ...ask, stream_options: { include_usage: true } },
    },
    true,
  ],
  ["an unread request", { host: "api.openai.com", path: "/v1/chat/completions" }, null],
  ["Responses", { host: "api.openai.com", path: "/v1/responses", request: ask }, true],
  [
    "Responses in the background",
    { host: "api.openai.com", path: "/v1/responses", request: { model: "m", background: true } },
    null,
  ],
  ["pictures", { host: "api.openai.com", path: "/v1/images/generations", request: { model: "m" } }, null],
  ["Gemini", { host: "generativelanguage.googleapis.com", path: "/v1beta/models/g:generateContent" }, true],
  ["Cohere's ranking", { host: "api.cohere.com", path: "/v2/rerank" }, null],
  ["Bedrock", { host: bedrockHost, path: "/model/anthropic.claude-x/invoke" }, true],
  ["a picture of Bedrock", { host: bedrockHost, path: "/model/stability.sd3/invoke" }, null],
];

for (const [what, given, isBlank] of shapes) {
  test(`an answer in a shape that nobody knows is ${isBlank === null ? "not judged" : "noticed"}: ${what}`, async (t) => {
    const sample = { type: json, body: changed, expect: "", ...given };
    t.is((await finish(sample, [Buffer.from(changed)])).isBlank, isBlank);
  });
}

const failures: readonly (readonly [what: string, given: Omit<Sample, "expect">])[] = [
  [
    "Anthropic",
    {
      host: "api.anthropic.com",
      path: "/v1/messages",
      type: stream,
      body: named({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
    },
  ],
  [
    "Responses",
    {
      host: "api.openai.com",
      path: "/v1/responses",
      type: stream,
      body: sse({ type: "response.failed", response: { id: "resp_1", usage: null } }),
    },
  ],
  [
    "chat completions",
    {
      host: "openrouter.ai",
      path: "/api/v1/chat/completions",
      type: json,
      request: { model: "m" },
      body: JSON.stringify({ error: { code: 502, message: "Provider returned error" } }),
    },
  ],
  [
    "Bedrock",
    {
      host: bedrockHost,
      path: "/model/anthropic.claude-x/converse-stream",
      type: eventStream,
      body: eventStreamMessage("throttlingException", {}, "exception"),
    },
  ],
];

for (const [what, given] of failures) {
  test(`a failure that comes after a status of success is not held against a format: ${what}`, async (t) => {
    const sample = { ...given, expect: "" };
    t.is((await finish(sample, [Buffer.from(sample.body)])).isBlank, null);
  });
}

test("a failure and an answer that broke off are not held against a format", async (t) => {
  const sample = { host: "api.anthropic.com", path: "/v1/messages", type: json, body: changed, expect: "" };
  const broken = open(sample);
  t.is((await broken.finish(false))?.isBlank, null);
  const failed = open(sample);
  failed.answerHead(529, () => null);
  t.is((await failed.finish(true))?.isBlank, null);
});

const answers: readonly (readonly [what: string, host: string, path: string, type: string, body: string])[] =
  [
    [
      "Titan",
      bedrockHost,
      "/model/amazon.titan-x/invoke",
      json,
      JSON.stringify({ inputTextTokenCount: 5, results: [{ tokenCount: 2, outputText: "hi there" }] }),
    ],
    [
      "Llama",
      bedrockHost,
      "/model/meta.llama-x/invoke",
      json,
      JSON.stringify({ generation: "hi there", prompt_token_count: 5, generation_token_count: 2 }),
    ],
    [
      "Cohere, streamed",
      "api.cohere.com",
      "/v2/chat",
      stream,
      sse(
        { type: "content-delta", delta: { message: { content: { text: "hi " } } } },
        { type: "content-delta", delta: { message: { content: { text: "there" } } } },
        { type: "message-end", delta: { finish_reason: "COMPLETE" } },
      ),
    ],
    [
      "Ollama, streamed",
      "ollama.com",
      "/api/chat",
      "application/x-ndjson",
      [
        { message: { content: "hi " }, done: false },
        { message: { content: "there" }, done: true },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(""),
    ],
    [
      "Code Assist, streamed",
      "cloudcode-pa.googleapis.com",
      "/v1internal:streamGenerateContent?alt=sse",
      stream,
      sse(
        { response: { candidates: [{ content: { parts: [{ text: "hi " }] } }] } },
        { response: { candidates: [{ content: { parts: [{ text: "there" }] }, finishReason: "STOP" }] } },
      ),
    ],
  ];

for (const [what, host, path, type, body] of answers) {
  test(`the words of an answer are read: ${what}`, async (t) => {
    const exchange = open({ host, path, type, body, expect: "" });
    exchange.answerBody(Buffer.from(body));
    t.like(await exchange.finish(true), { answer: "hi there", isAnswerCut: false });
  });
}

test("an answer that broke off says so", async (t) => {
  const sample = { host: "api.openai.com", path: "/v1/responses", type: stream, body: "", expect: "" };
  const exchange = open(sample);
  exchange.answerBody(Buffer.from(sse({ type: "response.output_text.delta", delta: "hi there" })));
  t.like(await exchange.finish(false), { answer: "hi there", isAnswerCut: true });
});

test("an answer that is too large is cut and says so", async (t) => {
  const body = JSON.stringify({ response: "x".repeat(300_000), done: true });
  const exchange = open({ host: "ollama.com", path: "/api/generate", type: json, body, expect: "" });
  exchange.answerBody(Buffer.from(body));
  const call = await exchange.finish(true);
  t.is(call?.answer.length, 200_000);
  t.true(call?.isAnswerCut);
});

const order: readonly (keyof TokenCounts)[] = [
  "input",
  "cacheRead",
  "cacheWrite5m",
  "cacheWrite1h",
  "output",
  "reasoning",
];
const shown = ({ model, callId, tokens }: Sighting): string =>
  [model, callId, ...order.map((name) => tokens[name] ?? "-")].join(" ");
const bytesOf = ({ body }: Sample): Buffer => Buffer.from(body);

for (const [what, sample] of Object.entries(samples)) {
  test(`usage of ${what}`, async (t) => {
    const all = bytesOf(sample);
    const sighting = await read(sample, [all]);
    t.is(shown(sighting), sample.expect);
    t.is(sighting.evidence.declared, sample.trust ?? "final");
    const single = Array.from(all, (_, at) => all.subarray(at, at + 1));
    t.deepEqual(await read(sample, single), sighting, "byte by byte");
    for (const [encoding, compress] of Object.entries({
      gzip: gzipSync,
      br: brotliCompressSync,
      zstd: zstdCompressSync,
    })) {
      const packed = compress(all);
      const halves = [packed.subarray(0, 9), packed.subarray(9)];
      t.is(shown(await read(sample, halves, encoding)), sample.expect, encoding);
    }
  });
}

test("any cutting of any answer gives the same reading", async (t) => {
  const sample = fc.constantFrom(...Object.values(samples));
  await fc.assert(
    fc.asyncProperty(sample, fc.array(fc.nat(600), { maxLength: 12 }), async (one, cuts) => {
      const all = bytesOf(one);
      const marks = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
      const pieces = marks.slice(1).map((end, at) => all.subarray(marks[at], end));
      return shown(await read(one, pieces)) === one.expect;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test("no answer makes a reader throw, whatever it holds and wherever it breaks off", async (t) => {
  const sample = fc.constantFrom(...Object.values(samples));
  const json = fc.json({ maxDepth: 6 }).map((text) => Buffer.from(`data: ${text}\n\n${text}\n`));
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    json,
  );
  const encodings = fc.constantFrom(undefined, "gzip", "br", "zstd", "deflate", "x-unknown");
  await fc.assert(
    fc.asyncProperty(sample, noise, fc.nat(400), encodings, async (one, bytes, cut, encoding) => {
      const all = bytesOf(one);
      const spoilt = Buffer.concat([all.subarray(0, cut), bytes, all.subarray(cut)]);
      const { tokens } = await read(one, [spoilt], encoding);
      return Object.values(tokens).every(
        (count) => count === null || (Number.isSafeInteger(count) && count >= 0),
      );
    }),
    { numRuns: 400 },
  );
  t.pass();
});

test("line ends of every kind, a byte order mark and a missing last blank line change nothing", async (t) => {
  const sample = must(samples["OpenAI chat stream with usage"], "sample");
  const body = String(sample.body);
  const variants = [
    body.replaceAll("\n", "\r\n"),
    body.replaceAll("\n", "\r"),
    `\uFEFF${body}`,
    body.replace(/\n\n$/, ""),
  ];
  for (const variant of variants) {
    const all = Buffer.from(variant);
    t.is(shown(await read(sample, [all])), sample.expect);
    t.is(
      shown(
        await read(
          sample,
          Array.from(all, (_, at) => all.subarray(at, at + 1)),
        ),
      ),
      sample.expect,
    );
  }
});

test("a document too large to hold is read at its end, an event too large is passed over", async (t) => {
  const embeddings = must(samples["OpenAI embeddings"], "sample");
  const vector = Buffer.from(`{"object":"list","data":["${"x".repeat(17 << 20)}"],`);
  const tail = Buffer.from(`"model":"emb-x","usage":{"prompt_tokens":8,"total_tokens":8}}`);
  t.is((await read(embeddings, [vector, tail])).tokens.input, 8);
  const chat = must(samples["OpenAI chat stream with usage"], "sample");
  const large = Buffer.from(`data: {"x":"${"y".repeat(17 << 20)}"}\n\n`);
  t.is(shown(await read(chat, [large, bytesOf(chat)])), chat.expect);
});

test("an event stream with a wrong checksum is not read any further", async (t) => {
  const sample = must(samples["Bedrock converse stream"], "sample");
  const spoilt = Buffer.from(bytesOf(sample));
  spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
  const { tokens, evidence } = await read(sample, [spoilt]);
  t.is(evidence.declared, "estimated", "the usage in the spoilt message does not count");
  t.is(tokens.output, 1, "the text before it does");
});

const free: [host: string, method: string, path: string][] = [
  ["api.anthropic.com", "POST", "/v1/messages/count_tokens"],
  ["api.anthropic.com", "POST", "/v1/messages/batches"],
  ["api.openai.com", "GET", "/v1/models"],
  ["api.openai.com", "GET", "/v1/responses/resp_1"],
  ["api.openai.com", "POST", "/v1/files"],
  ["generativelanguage.googleapis.com", "POST", "/v1beta/models/g:countTokens"],
  ["chatgpt.com", "POST", "/v1/chat/completions"],
  ["api.groq.com", "POST", "/v1/messages"],
];

for (const [host, method, path] of free) {
  test(`${method} ${host}${path} is no call`, (t) => {
    t.is(findEndpoint(must(recogniseHost(host), host), method, path), null);
  });
}

interface Heard extends AnswerListener {
  /** What was said by part. */
  readonly parts: Map<string, string>;
  /** Models of the calls that ended. */
  readonly ended: (string | null)[];
}

function listening(): Heard {
  const parts = new Map<string, string>();
  const ended: (string | null)[] = [];
  return {
    parts,
    ended,
    hear: (said) => {
      for (const { part, text } of said) parts.set(part, (parts.get(part) ?? "") + text);
    },
    end: ({ model }) => void ended.push(model),
  };
}

for (const [what, host, path, type, body] of answers) {
  test(`an answer is heard as it comes, cut anywhere: ${what}`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length), fc.boolean(), async (cut, isPacked) => {
        const heard = listening();
        const sample = { host, path, type, body, expect: "" };
        const exchange = open(sample, isPacked ? "gzip" : undefined, heard);
        const bytes = isPacked ? gzipSync(body) : Buffer.from(body);
        exchange.answerBody(bytes.subarray(0, cut));
        exchange.answerBody(bytes.subarray(cut));
        await exchange.finish(true);
        return [...heard.parts.values()].join("|") === "hi there" && heard.ended.length === 1;
      }),
      { numRuns: 30 },
    );
    t.pass();
  });
}

const mixed: readonly (readonly [
  what: string,
  host: string,
  path: string,
  events: readonly unknown[],
  parts: readonly string[],
])[] = [
  [
    "choices of a chat",
    "api.openai.com",
    "/v1/chat/completions",
    [
      { choices: [{ index: 0, delta: { content: "one " } }] },
      { choices: [{ index: 1, delta: { content: "two " } }] },
      { choices: [{ index: 0, delta: { content: "first", reasoning_content: "hm" } }] },
      { choices: [{ index: 1, delta: { tool_calls: [{ index: 0, function: { arguments: "{}" } }] } }] },
      { choices: [{ index: 1, delta: { content: "second" } }] },
    ],
    ["one first", "two second", "hm", "{}"],
  ],
  [
    "outputs of a response, whose end repeats them",
    "api.openai.com",
    "/v1/responses",
    [
      { type: "response.created", response: { instructions: "never say this" } },
      { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "one " },
      { type: "response.output_text.delta", output_index: 1, content_index: 0, delta: "two" },
      { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "first" },
      { type: "response.completed", response },
    ],
    ["one first", "two"],
  ],
  [
    "blocks of a message",
    "api.anthropic.com",
    "/v1/messages",
    [
      { type: "content_block_delta", index: 0, delta: { thinking: "hm" } },
      { type: "content_block_delta", index: 1, delta: { text: "one " } },
      { type: "content_block_delta", index: 2, delta: { partial_json: "{}" } },
      { type: "content_block_delta", index: 1, delta: { text: "first" } },
    ],
    ["hm", "one first", "{}"],
  ],
  [
    "candidates of Gemini",
    "generativelanguage.googleapis.com",
    "/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
    [
      { candidates: [{ index: 0, content: { parts: [{ text: "hm", thought: true }, { text: "one " }] } }] },
      { candidates: [{ index: 1, content: { parts: [{ text: "two" }] } }] },
      { candidates: [{ index: 0, content: { parts: [{ text: "first" }] } }] },
    ],
    ["hm", "one first", "two"],
  ],
];

for (const [what, host, path, some, parts] of mixed) {
  test(`what comes mixed is heard apart: ${what}`, async (t) => {
    const heard = listening();
    const exchange = open({ host, path, type: stream, body: "", expect: "" }, undefined, heard);
    exchange.answerBody(Buffer.from(sse(...some)));
    await exchange.finish(true);
    t.deepEqual([...heard.parts.values()].sort(), parts.toSorted());
  });
}

test("hostile places and texts are heard without harm", async (t) => {
  const hostile: readonly unknown[] = [
    null,
    { toString: 1 },
    [[]],
    "x".repeat(1000),
    -1,
    1e308,
    { length: 9 },
  ];
  for (const [, host, path] of mixed) {
    const heard = listening();
    const exchange = open({ host, path, type: stream, body: "", expect: "" }, undefined, heard);
    for (const value of hostile) {
      const delta = { content: value, text: value, reasoning: value, tool_calls: [{ index: value }] };
      exchange.answerBody(
        Buffer.from(
          sse(
            { choices: [{ index: value, delta }, value], candidates: [{ index: value, content: value }] },
            { type: "content_block_delta", index: value, delta },
            { type: "response.output_text.delta", output_index: value, delta: value },
            value,
          ),
        ),
      );
    }
    t.truthy(await exchange.finish(false));
    t.is(heard.ended.length, 1);
    t.true([...heard.parts.keys()].every((part) => part.length < 200));
  }
});
