import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One answer that a vendor gave: as it charges for it. */
export interface Answer {
  readonly api: "anthropic" | "openai" | "gemini";
  readonly prompt: number;
  readonly output: number;
}

export interface Vendors extends AsyncDisposable {
  readonly url: string;
  readonly answers: readonly Answer[];
}

type SseEvent = readonly [event: string | null, data: object];

/** The streaming APIs of Anthropic, OpenAI (Responses) and Gemini in one server; every answer has its own name and size. */
export async function startVendors(): Promise<Vendors> {
  const answers: Answer[] = [];
  const next = (
    api: Answer["api"],
  ): { readonly id: number; readonly prompt: number; readonly output: number } => {
    const id = answers.length + 1;
    const answer = { api, prompt: 2000 + id, output: 40 + id };
    answers.push(answer);
    return { id, ...answer };
  };
  const server = createServer((request, response) => {
    request.resume();
    const path = request.url?.split("?")[0] ?? "";
    if (path.endsWith("/v1/messages/count_tokens")) return sendJson(response, { input_tokens: 5 });
    if (path.endsWith("/v1/messages")) return sendStream(response, anthropicAnswer(next("anthropic")));
    if (path.endsWith("/responses")) return sendStream(response, openAiAnswer(next("openai")));
    if (path.endsWith(":streamGenerateContent")) {
      return sendStream(response, [[null, geminiAnswer(next("gemini"))]]);
    }
    if (path.endsWith(":generateContent")) return sendJson(response, geminiAnswer(next("gemini")));
    response.writeHead(404, { "content-type": "application/json" });
    return void response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export interface Numbered {
  readonly id: number;
  readonly prompt: number;
  readonly output: number;
}

const cached = 1500;
const words = "Hello there.";

function anthropicAnswer({ id, prompt, output }: Numbered): readonly SseEvent[] {
  const usage = {
    input_tokens: prompt - cached,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: 0,
    output_tokens: 1,
  };
  const message = {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5-20250929",
    content: [],
    stop_reason: null,
    usage,
  };
  const events: readonly object[] = [
    { type: "message_start", message },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: words } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: output } },
    { type: "message_stop" },
  ];
  return events.map((event) => [(event as { readonly type: string }).type, event]);
}

/** The events of one answer of OpenAI's Responses. */
export function openAiAnswer({ id, prompt, output }: Numbered): readonly SseEvent[] {
  const item = {
    type: "message",
    id: `item_${id}`,
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: words, annotations: [] }],
  };
  const usage = {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: prompt + output,
  };
  const response = { id: `resp_${id}`, object: "response", created_at: 1, model: "gpt-5.1-codex" };
  const created = { ...response, status: "in_progress", output: [], usage: null };
  const completed = { ...response, status: "completed", output: [item], usage };
  return [
    ["response.created", { type: "response.created", response: created }],
    ["response.output_item.done", { type: "response.output_item.done", output_index: 0, item }],
    ["response.completed", { type: "response.completed", response: completed }],
  ];
}

function geminiAnswer({ id, prompt, output }: Numbered): object {
  const thoughts = 5;
  return {
    candidates: [{ content: { role: "model", parts: [{ text: words }] }, finishReason: "STOP", index: 0 }],
    usageMetadata: {
      promptTokenCount: prompt,
      cachedContentTokenCount: cached,
      candidatesTokenCount: output - thoughts,
      thoughtsTokenCount: thoughts,
      totalTokenCount: prompt + output,
    },
    modelVersion: "gemini-2.5-flash",
    responseId: `answer_${id}`,
  };
}

function sendStream(response: ServerResponse, events: readonly SseEvent[]): void {
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "request-id": `req_${crypto.randomUUID()}`,
  });
  for (const [event, data] of events) {
    response.write(`${event === null ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`);
  }
  response.end();
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
