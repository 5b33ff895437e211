/**
 * One call with an official SDK, as a program of its own that knows the device by its environment only: `HTTPS_PROXY`
 * and `NODE_EXTRA_CA_CERTS`. Prints the text of the answer.
 */
import { Agent } from "node:https";

const [name = "", mode = "", prompt = "hello"] = process.argv.slice(2);
const isStream = mode === "stream";

async function anthropic(): Promise<string> {
  const { default: Anthropic } = await import("@anthropic-ai/sdk");
  const client = new Anthropic({ apiKey: "key", maxRetries: 0 });
  const body = { model: "claude-x", max_tokens: 9, messages: [{ role: "user" as const, content: prompt }] };
  const message = isStream
    ? await client.messages.stream(body).finalMessage()
    : await client.messages.create(body);
  return message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}

async function openaiChat(): Promise<string> {
  const { default: OpenAI } = await import("openai");
  const client = new OpenAI({ apiKey: "key", maxRetries: 0 });
  const body = { model: "gpt-x", messages: [{ role: "user" as const, content: prompt }] };
  if (!isStream) return (await client.chat.completions.create(body)).choices[0]?.message.content ?? "";
  let text = "";
  const stream = await client.chat.completions.create({
    ...body,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

async function openaiResponses(): Promise<string> {
  const { default: OpenAI } = await import("openai");
  const client = new OpenAI({ apiKey: "key", maxRetries: 0 });
  const body = { model: "gpt-x", input: prompt };
  if (!isStream) return (await client.responses.create(body)).output_text;
  let text = "";
  for await (const event of await client.responses.create({ ...body, stream: true }))
    if (event.type === "response.output_text.delta") text += event.delta;
  return text;
}

async function gemini(): Promise<string> {
  const { GoogleGenAI } = await import("@google/genai");
  const client = new GoogleGenAI({ apiKey: "key" });
  const body = { model: "gemini-x", contents: prompt };
  if (!isStream) return (await client.models.generateContent(body)).text ?? "";
  let text = "";
  for await (const chunk of await client.models.generateContentStream(body)) text += chunk.text ?? "";
  return text;
}

async function bedrock(): Promise<string> {
  const { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } =
    await import("@aws-sdk/client-bedrock-runtime");
  // The SDK's own choice for this service is an HTTP/2 client, which knows no proxy.
  const { NodeHttpHandler } = await import("@smithy/node-http-handler");
  const client = new BedrockRuntimeClient({
    region: "us-east-1",
    credentials: { accessKeyId: "key", secretAccessKey: "secret" },
    requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ proxyEnv: process.env }) }),
    maxAttempts: 1,
  });
  const body = { modelId: "nova-x", messages: [{ role: "user" as const, content: [{ text: prompt }] }] };
  if (!isStream) {
    const { output } = await client.send(new ConverseCommand(body));
    return output?.message?.content?.map((part) => part.text ?? "").join("") ?? "";
  }
  let text = "";
  const { stream = [] } = await client.send(new ConverseStreamCommand(body));
  for await (const event of stream) text += event.contentBlockDelta?.delta?.text ?? "";
  return text;
}

/** Over a socket that the server holds open, which knows no proxy of its own. */
async function openaiSocket(): Promise<string> {
  const { default: OpenAI } = await import("openai");
  const { ResponsesWS } = await import("openai/resources/responses/ws");
  const client = new OpenAI({ apiKey: "key" });
  const socket = new ResponsesWS(client, { agent: new Agent({ proxyEnv: process.env }) });
  socket.send({ type: "response.create", model: "gpt-x", input: prompt });
  let text = "";
  for await (const event of socket) {
    if (event.type === "error") throw event.error;
    if (event.type !== "message") continue;
    if (event.message.type === "response.output_text.delta") text += event.message.delta;
    if (event.message.type === "response.completed") socket.close();
  }
  return text;
}

async function openaiRealtime(): Promise<string> {
  const { default: OpenAI } = await import("openai");
  const { OpenAIRealtimeWS } = await import("openai/realtime/ws");
  const client = new OpenAI({ apiKey: "key" });
  const options = { agent: new Agent({ proxyEnv: process.env }) };
  const realtime = new OpenAIRealtimeWS({ model: "gpt-x", options }, client);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  realtime.on("error", reject);
  realtime.on("session.created", () => {
    const content = [{ type: "input_text" as const, text: prompt }];
    realtime.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
    realtime.send({ type: "response.create" });
  });
  realtime.on("response.output_text.delta", ({ delta }) => void (text += delta));
  realtime.on("response.done", () => resolve(text));
  try {
    return await promise;
  } finally {
    realtime.close();
  }
}

/** The SDK for browsers: the one for Node names a connection of its own, and so no proxy. */
async function geminiLive(): Promise<string> {
  const { GoogleGenAI } = await import("@google/genai/web");
  const client = new GoogleGenAI({ apiKey: "key" });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const live = await client.live.connect({
    model: "gemini-x",
    callbacks: {
      onmessage({ serverContent }) {
        text += serverContent?.modelTurn?.parts?.map((part) => part.text ?? "").join("") ?? "";
        if (serverContent?.turnComplete === true) resolve(text);
      },
      onclose: ({ reason }) => reject(new Error(reason)),
    },
  });
  live.sendClientContent({ turns: prompt });
  try {
    return await promise;
  } finally {
    live.close();
  }
}

const calls: Readonly<Record<string, () => Promise<string>>> = {
  anthropic,
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  "openai-socket": openaiSocket,
  "openai-realtime": openaiRealtime,
  "gemini-live": geminiLive,
  gemini,
  bedrock,
};
const call = calls[name];
if (call === undefined) throw new Error(`no call is named ${name}`);
process.stdout.write(await call().catch((error: unknown) => `failed: ${String(error)}`));
