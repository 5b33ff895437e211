/** The provider of `../intercept.ts`: 20 events a call, a millisecond apart, each with the time at which it left. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { startProvider, type Talk } from "../../test/support/provider.ts";
import { authority } from "../../test/support/tls.ts";
import { sharedMs, type ProviderSays } from "./said.ts";

const events = 20;
const gapMs = 1;
const text = "x".repeat(200);

const talk: Talk = (socket) => {
  const send = (event: object): void => socket.send(JSON.stringify(event));
  const response = { id: "resp_1", model: "gpt-x" };
  const answer = async (): Promise<void> => {
    send({ type: "response.created", response });
    for (let at = 0; at < events; at += 1) {
      send({ type: "response.output_text.delta", delta: text, at: sharedMs() });
      await delay(gapMs);
    }
    const usage = { input_tokens: 1, output_tokens: 1 };
    send({ type: "response.completed", response: { ...response, usage } });
  };
  socket.once("message", () => void answer());
};

const usage = { input_tokens: 20_000, output_tokens: 1 };
const message = { id: "msg_1", model: "claude-sonnet-4-5", usage };
const answer = [
  { type: "message_start", message },
  ...Array.from({ length: events - 2 }, () => ({
    type: "content_block_delta",
    delta: { type: "text_delta", text },
  })),
  { type: "message_delta", usage: { output_tokens: 1000 } },
];
const provider = await startProvider(
  async (incoming, response) => {
    incoming.resume();
    await once(incoming, "end");
    response.setHeader("content-type", "text/event-stream");
    for (const event of answer) {
      response.write(`data: ${JSON.stringify({ ...event, at: sharedMs() })}\n\n`);
      await delay(gapMs);
    }
    response.end(`data: {"type":"message_stop"}\n\n`);
  },
  { talk, compression: { threshold: 0 } },
);
const says: ProviderSays = { port: provider.port, ca: authority.certificate };
process.send?.(says);
process.once("disconnect", () => process.exit());
