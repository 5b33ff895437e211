/** Official SDKs through relay and intercept against local servers that speak the vendor's API: answers intact, calls counted and heard. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { readPrompt } from "../src/enterprise/prompt.ts";
import { eventStreamMessage } from "./support/event-stream.ts";
import { deviceAuthority, startIntercepting } from "./support/intercepting.ts";
import { startProvider, type ProviderRequest, type ProviderResponse, type Talk } from "./support/provider.ts";

const usage = { input_tokens: 11, output_tokens: 7 };
const chat = { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "gpt-x" };
const chatUsage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const message = { id: "msg_1", type: "message", role: "assistant", model: "claude-x", stop_sequence: null };
const item = { type: "message", id: "m", role: "assistant", status: "completed" };
const response = {
  id: "resp_1",
  object: "response",
  model: "gpt-x",
  output: [{ ...item, content: [{ type: "output_text", text: "hi there", annotations: [] }] }],
  usage: { ...usage, total_tokens: 18 },
};
const candidate = (text: string) => ({
  content: { role: "model", parts: [{ text }] },
  finishReason: "STOP",
  index: 0,
});
const geminiUsage = { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 };
const gemini = { usageMetadata: geminiUsage, modelVersion: "gemini-x", responseId: "g1" };
const bedrockUsage = { inputTokens: 11, outputTokens: 7, totalTokens: 18 };

interface SdkEvent {
  readonly type?: string;
  readonly [field: string]: unknown;
}

const sse = (events: readonly SdkEvent[]): string =>
  events
    .map(
      (event) =>
        `${event.type === undefined ? "" : `event: ${event.type}\n`}data: ${JSON.stringify(event)}\n\n`,
    )
    .join("");

interface Scripted {
  readonly type: string;
  readonly body: string | Buffer;
}

const json = (value: unknown): Scripted => ({ type: "application/json", body: JSON.stringify(value) });
const events = (list: readonly SdkEvent[], end = ""): Scripted => ({
  type: "text/event-stream",
  body: sse(list) + end,
});

/** What the vendor's server answers to a path, streamed or not. */
function scripted(path: string, isStream: boolean): Scripted | null {
  if (path.startsWith("/v1/messages")) {
    const whole = {
      ...message,
      stop_reason: "end_turn",
      content: [{ type: "text", text: "hi there" }],
      usage,
    };
    if (!isStream) return json(whole);
    const start = { ...message, stop_reason: null, content: [], usage: { ...usage, output_tokens: 1 } };
    return events([
      { type: "message_start", message: start },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi " } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "there" } },
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { output_tokens: 7 },
      },
      { type: "message_stop" },
    ]);
  }
  if (path === "/v1/chat/completions") {
    if (!isStream)
      return json({
        ...chat,
        choices: [{ index: 0, message: { role: "assistant", content: "hi there" }, finish_reason: "stop" }],
        usage: chatUsage,
      });
    const chunk = { ...chat, object: "chat.completion.chunk", usage: null };
    return events(
      [
        { ...chunk, choices: [{ index: 0, delta: { content: "hi " }, finish_reason: null }] },
        { ...chunk, choices: [{ index: 0, delta: { content: "there" }, finish_reason: "stop" }] },
        { ...chunk, choices: [], usage: chatUsage },
      ],
      "data: [DONE]\n\n",
    );
  }
  if (path === "/v1/responses") {
    if (!isStream) return json(response);
    return events([
      { type: "response.created", response: { ...response, usage: null } },
      { type: "response.output_text.delta", delta: "hi " },
      { type: "response.output_text.delta", delta: "there" },
      { type: "response.completed", response },
    ]);
  }
  if (path.includes(":streamGenerateContent"))
    return events([
      { ...gemini, candidates: [{ ...candidate("hi "), finishReason: undefined }] },
      { ...gemini, candidates: [candidate("there")] },
    ]);
  if (path.includes(":generateContent")) return json({ ...gemini, candidates: [candidate("hi there")] });
  if (path.endsWith("/converse"))
    return json({
      output: { message: { role: "assistant", content: [{ text: "hi there" }] } },
      stopReason: "end_turn",
      usage: bedrockUsage,
      metrics: { latencyMs: 1 },
    });
  if (path.endsWith("/converse-stream")) {
    const body = [
      eventStreamMessage("messageStart", { role: "assistant" }),
      eventStreamMessage("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "hi there" } }),
      eventStreamMessage("messageStop", { stopReason: "end_turn" }),
      eventStreamMessage("metadata", { usage: bedrockUsage, metrics: { latencyMs: 1 } }),
    ];
    return { type: "application/vnd.amazon.eventstream", body: Buffer.concat(body) };
  }
  return null;
}

const answer = async (request: ProviderRequest, reply: ProviderResponse): Promise<void> => {
  const body = await text(request);
  const [path = ""] = (request.url ?? "").split("?");
  const found = scripted(path, body.includes('"stream":true'));
  reply.statusCode = found === null ? 404 : 200;
  reply.setHeader("content-type", found?.type ?? "text/plain");
  reply.setHeader("x-amzn-requestid", "aws-1");
  reply.end(found?.body);
};

const calls: readonly [sdk: string, provider: string, model: string, tool: string][] = [
  ["anthropic", "anthropic", "claude-x", "anthropic-sdk"],
  ["openai-chat", "openai", "gpt-x", "openai-sdk"],
  ["openai-responses", "openai", "gpt-x", "openai-sdk"],
  ["gemini", "google", "gemini-x", "google-genai-sdk"],
  ["bedrock", "aws-bedrock", "nova-x", "aws-sdk"],
];

type Message = Readonly<Record<string, unknown>>;

/** What the vendor's server says to a message on a socket. */
function said(path: string, message: Message): readonly Message[] {
  if ("setup" in message) return [{ setupComplete: {} }];
  if ("clientContent" in message) {
    const usageMetadata = { promptTokenCount: 11, responseTokenCount: 7, totalTokenCount: 18 };
    return [
      { serverContent: { modelTurn: { parts: [{ text: "hi there" }] } } },
      { serverContent: { turnComplete: true }, usageMetadata },
    ];
  }
  if (message["type"] !== "response.create") return [];
  const type = path === "/v1/realtime" ? "response.done" : "response.completed";
  return [
    { type: "response.created", response: { ...response, usage: null } },
    { type: "response.output_text.delta", response_id: "resp_1", delta: "hi there" },
    { type, response: { ...response, usage } },
  ];
}

const talk: Talk = (socket, request) => {
  const path = (request.url ?? "").replace(/\?.*/, "");
  const send = (message: Message): void => socket.send(JSON.stringify(message));
  if (path === "/v1/realtime") send({ type: "session.created", session: { model: "gpt-x" } });
  socket.on("message", (data: Buffer) => {
    for (const message of said(path, JSON.parse(data.toString()) as Message)) send(message);
  });
};

/** Calls a local vendor through relay and intercept, in each of the modes, and gives back what the device saw. */
async function callThrough(t: ExecutionContext, sdk: string, modes: readonly string[]) {
  using folder = temporaryFolder();
  const caFile = join(folder.path, "ca.pem");
  writeFileSync(caFile, deviceAuthority.certificate);
  await using vendor = await startProvider(answer, { talk, compression: { threshold: 0 } });
  await using device = await startIntercepting(vendor.port);
  for (const mode of modes) {
    const program = join(import.meta.dirname, "support/sdk-call.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [program, sdk, mode], {
      env: {
        PATH: process.env["PATH"],
        HOME: folder.path,
        NODE_USE_ENV_PROXY: "1",
        HTTPS_PROXY: device.relay.address,
        NODE_EXTRA_CA_CERTS: caFile,
      },
    });
    t.is(stdout, "hi there", mode);
  }
  await until("every call", () => device.heard.length >= modes.length);
  t.is(device.heard.length, modes.length);
  for (const { sighting, body, answer: said } of device.heard) {
    t.is(sighting.status, 200);
    t.is(sighting.evidence.declared, "final");
    t.like(sighting.tokens, { input: 11, output: 7 });
    t.deepEqual(readPrompt(body)?.turns, [{ role: "user", text: "hello" }]);
    t.is(said, "hi there");
  }
  return device.sightings;
}

for (const [sdk, provider, model, tool] of calls) {
  test.serial(`${sdk}: whole and streamed`, async (t) => {
    for (const sighting of await callThrough(t, sdk, ["whole", "stream"])) {
      t.like(sighting, { provider, model, tool, capture: "intercept" });
    }
  });
}

// They do not say which program they are.
const sockets: readonly [sdk: string, provider: string, model: string][] = [
  ["openai-socket", "openai", "gpt-x"],
  ["openai-realtime", "openai", "gpt-x"],
  ["gemini-live", "google", "gemini-x"],
];

for (const [sdk, provider, model] of sockets) {
  test.serial(`${sdk}: over a WebSocket`, async (t) => {
    for (const sighting of await callThrough(t, sdk, ["socket"])) t.like(sighting, { provider, model });
  });
}
