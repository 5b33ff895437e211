/** Calls over WebSockets of real clients and servers, through relay and intercept: as they were sent, counted and judged. */
import { once } from "node:events";
import test from "ava";
import { WebSocket } from "ws";
import { until } from "@flowstate/shared/testing/until";
import { defaultAgentSettings } from "@flowstate/shared/wire/agent-policy";
import type { Decide } from "../src/observe/intercept/watch.ts";
import { seenContent } from "../src/policy/detectors/new-content.ts";
import { createEvaluator } from "../src/policy/evaluate.ts";
import { startIntercepting, type Intercepting } from "./support/intercepting.ts";
import { startProvider, type ProviderResponse, type Talk } from "./support/provider.ts";

type Message = Readonly<Record<string, unknown>>;

const noAnswer = (_: unknown, response: ProviderResponse): void => {
  response.statusCode = 426;
  response.end();
};
const usage = { input_tokens: 11, output_tokens: 7, input_tokens_details: { cached_tokens: 4 } };

/** A Responses server: says every word of the input back, and how many tokens that was. */
const responses: Talk = (socket) => {
  let count = 0;
  const send = (event: Message): void => socket.send(JSON.stringify(event));
  socket.on("message", (data: Buffer) => {
    const { type, input } = JSON.parse(data.toString()) as { readonly type: string; readonly input: unknown };
    if (type !== "response.create") return;
    count += 1;
    const response = { id: `resp_${count}`, model: "gpt-x", service_tier: "default" };
    send({ type: "response.created", response });
    const text = typeof input === "string" ? input : "";
    for (const delta of text.split(/(?<= )/)) send({ type: "response.output_text.delta", delta });
    send({
      type: "response.completed",
      response: { ...response, usage: { ...usage, output_tokens: count } },
    });
  });
};

interface Client {
  readonly socket: WebSocket;
  readonly events: readonly Message[];
  ask(message: Message): void;
  /** Sends a message and resolves with the events up to the one that ends its answer. */
  call(message: Message): Promise<readonly Message[]>;
}

interface ConnectOptions {
  readonly host?: string;
  readonly path?: string;
  readonly perMessageDeflate?: boolean | object;
}

async function connect(
  device: Intercepting,
  { host = "api.openai.com", path = "/v1/responses", perMessageDeflate = false }: ConnectOptions = {},
): Promise<Client> {
  const dialled = await device.dial(host);
  const socket = new WebSocket(`wss://${host}${path}`, {
    perMessageDeflate,
    headers: { "user-agent": "codex_cli_rs/0.169.0" },
    createConnection: () => dialled,
  });
  const events: Message[] = [];
  socket.on("message", (data: Buffer) => void events.push(JSON.parse(data.toString()) as Message));
  await once(socket, "open");
  const ask = (message: Message): void => socket.send(JSON.stringify(message));
  return {
    socket,
    events,
    ask,
    async call(message) {
      const before = events.length;
      ask(message);
      return until("the answer", () => {
        const fresh = events.slice(before);
        return fresh.some(({ type }) => type === "response.completed" || type === "error") ? fresh : null;
      });
    },
  };
}

const textOf = (events: readonly Message[]): string =>
  events.flatMap(({ delta }) => (typeof delta === "string" ? [delta] : [])).join("");
const create = (input: string, model = "gpt-x"): Message => ({ type: "response.create", model, input });

const compressions: readonly (readonly [what: string, compression: boolean | object])[] = [
  ["not compressed", false],
  ["compressed with context", { threshold: 0 }],
  [
    "compressed without context, in small windows",
    {
      threshold: 0,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 10,
      clientMaxWindowBits: 10,
    },
  ],
];

for (const [what, compression] of compressions) {
  for (const isJudged of [false, true]) {
    test(`messages ${what}, ${isJudged ? "judged" : "not judged"}: each call is answered and counted`, async (t) => {
      await using provider = await startProvider(noAnswer, { talk: responses, compression });
      const decide: Decide = () => ({ kind: "allow" });
      await using device = await startIntercepting(provider.port, isJudged ? decide : null);
      const client = await connect(device, { perMessageDeflate: compression });
      t.is(client.socket.extensions, compression === false ? "" : "permessage-deflate");
      const words = ["hello there", "the same words again ".repeat(40), "x".repeat(300_000), "bye"];
      for (const word of words) t.is(textOf(await client.call(create(word))), word);
      client.socket.close();
      await once(client.socket, "close");
      const calls = await until("the calls", () => (device.sightings.length === 4 ? device.sightings : null));
      for (const [at, call] of calls.entries()) {
        t.like(call, {
          callId: `resp_${at + 1}`,
          aliases: [],
          tool: "codex-cli",
          provider: "openai",
          model: "gpt-x",
          status: 200,
        });
        t.like(call.tokens, { input: 7, cacheRead: 4, output: at + 1 });
        t.is(call.evidence.declared, "final");
      }
      t.deepEqual(
        device.heard.map(({ answer }) => answer),
        words.map((word) => word.slice(0, 200_000)),
      );
      t.deepEqual(device.formats[0], {
        tool: "openai",
        toolVersion: null,
        host: "api.openai.com",
        seen: 1,
        blank: 0,
      });
    });
  }
}

test("messages in fragments, with pings between them, and of other kinds pass as they are", async (t) => {
  const received: string[] = [];
  await using provider = await startProvider(noAnswer, {
    talk(socket) {
      socket.on("message", (data: Buffer, isBinary) => {
        received.push(`${isBinary ? "binary" : "text"} ${data.length}`);
        socket.send(data, { binary: isBinary });
      });
    },
  });
  await using device = await startIntercepting(provider.port, () => ({ kind: "allow" }));
  const { socket } = await connect(device, { path: "/v1/realtime?model=gpt-realtime" });
  socket.removeAllListeners("message");
  const ponged = once(socket, "pong");
  socket.send("a part and ", { fin: false });
  socket.ping("between");
  socket.send("the rest", { fin: true });
  const [echoed] = (await once(socket, "message")) as [Buffer];
  t.is(echoed.toString(), "a part and the rest");
  t.is(String((await ponged)[0]), "between");
  socket.send(Buffer.alloc(100_000));
  const [sound] = (await once(socket, "message")) as [Buffer];
  t.is(sound.length, 100_000);
  t.deepEqual(received, ["text 19", "binary 100000"]);
  socket.close(4001, "enough");
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  t.deepEqual([code, reason.toString()], [4001, "enough"]);
});

test("an event is at the client before the provider sends the next one", async (t) => {
  await using provider = await startProvider(noAnswer, {
    talk(socket) {
      socket.once("message", () => {
        socket.send(JSON.stringify({ type: "response.created", response: { id: "resp_1" } }));
        // Goes on only when the client says that the first event has come.
        socket.once("message", () => {
          socket.send(JSON.stringify({ type: "response.completed", response: { id: "resp_1", usage } }));
        });
      });
    },
  });
  await using device = await startIntercepting(provider.port);
  const client = await connect(device);
  client.ask(create("x"));
  await until("the first event", () => client.events.length === 1);
  client.ask({ type: "client.saw" });
  await until("the second event", () => client.events.length === 2);
  t.deepEqual(
    client.events.map(({ type }) => type),
    ["response.created", "response.completed"],
  );
  client.socket.terminate();
});

test("an answer that breaks off with its connection is estimated, for both sides", async (t) => {
  await using provider = await startProvider(noAnswer, {
    talk(socket) {
      socket.on("message", () => {
        socket.send(JSON.stringify({ type: "response.created", response: { id: "resp_1", model: "gpt-x" } }));
        socket.send(JSON.stringify({ type: "response.output_text.delta", delta: "some words" }), () =>
          socket.terminate(),
        );
      });
    },
  });
  await using device = await startIntercepting(provider.port);
  const client = await connect(device);
  client.socket.on("error", () => undefined);
  client.ask(create("a prompt of some words"));
  await once(client.socket, "close");
  const call = await until("the call", () => device.sightings[0]);
  t.is(call.evidence.declared, "estimated");
  t.true((call.tokens.input ?? 0) > 0 && (call.tokens.output ?? 0) > 0);
});

test("an upgrade that the provider refuses is no call", async (t) => {
  await using provider = await startProvider(noAnswer, { talk: null });
  await using device = await startIntercepting(provider.port);
  const dialled = await device.dial("api.openai.com");
  const socket = new WebSocket("wss://api.openai.com/v1/responses", { createConnection: () => dialled });
  socket.on("error", () => undefined);
  const [, answer] = (await once(socket, "unexpected-response")) as [
    unknown,
    { readonly statusCode: number },
  ];
  t.is(answer.statusCode, 426);
  const closed = once(dialled, "close");
  socket.terminate();
  await closed;
  t.deepEqual(device.sightings, []);
});

const message = 'Rule "models": ask it@example.com.';
const noBad: Decide = ({ model, body }) =>
  model === "bad" || JSON.stringify(body).includes("secret")
    ? { kind: "refuse", message, resetsAt: null }
    : { kind: "allow" };

for (const [what, refused] of [
  ["a model", create("hi", "bad")],
  ["its words", create("my secret")],
] as const) {
  test(`a call that is refused for ${what} gets the API's error and 1008, and reaches nobody`, async (t) => {
    const received: Message[] = [];
    await using provider = await startProvider(noAnswer, {
      compression: { threshold: 0 },
      talk(socket, request) {
        socket.on("message", (data: Buffer) => void received.push(JSON.parse(data.toString()) as Message));
        responses(socket, request);
      },
    });
    await using device = await startIntercepting(provider.port, noBad);
    const client = await connect(device, { perMessageDeflate: { threshold: 0 } });
    t.is(textOf(await client.call(create("good"))), "good");
    const closed = once(client.socket, "close") as Promise<[number, Buffer]>;
    const [error] = (await client.call(refused)) as [Message];
    t.like(error, { type: "error", status: 400 });
    t.like(error["error"], { type: "invalid_request_error", code: "flowstate_policy", message });
    const [code, reason] = await closed;
    t.deepEqual([code, reason.toString()], [1008, message]);
    t.deepEqual(received, [create("good")]);
    t.is(device.sightings.length, 1);
  });
}

test("rules of the policy judge each call of a socket, and words by what is new in them", async (t) => {
  const found: string[] = [];
  const rule = { action: "BLOCK", message: "Ask it@example.com." };
  const evaluator = createEvaluator(
    {
      version: 1,
      issuedAt: new Date().toISOString(),
      settings: { ...defaultAgentSettings, enforcement: "enforce" },
      rules: [
        { rule: { ...rule, name: "Models", type: "MODEL_DENYLIST", models: ["bad-*"] }, spentUsd: null },
        { rule: { ...rule, name: "Keys", type: "CONTENT_DLP", detectors: ["secret"] }, spentUsd: null },
      ],
      hasCostCentre: null,
    },
    seenContent().fresh,
  );
  await using provider = await startProvider(noAnswer, { talk: responses });
  await using device = await startIntercepting(provider.port, (call) => {
    const { verdict, broken } = evaluator.judge(call, Date.now());
    found.push(broken.map(({ rule: name }) => name).join());
    return verdict;
  });
  const key = `sk-ant-api03-${"aB3".repeat(30)}`;
  const turn = (text: string): Message => ({ role: "user", content: text });
  const calls: readonly (readonly [request: Message, refusedBy: string])[] = [
    [{ ...create("hello to you"), model: "bad-x" }, "Models"],
    [create(`this is my key: ${key}`), "Keys"],
    // What was refused before stands in the conversation, which goes on.
    [create(`this is my key: ${key}`), ""],
    [{ ...create(""), input: [turn("a first question"), turn(`and the key: ${key}`)] }, "Keys"],
  ];
  for (const [request, refusedBy] of calls) {
    const client = await connect(device);
    const [event] = (await client.call(request)) as [Message];
    t.is(event["type"], refusedBy === "" ? "response.created" : "error");
    t.is(found.at(-1), refusedBy);
    client.socket.terminate();
  }
});

test("a message that is too large to wait for is judged unread, and passes whole", async (t) => {
  const judged: unknown[] = [];
  const lengths: number[] = [];
  await using provider = await startProvider(noAnswer, {
    talk(socket) {
      socket.on("message", (data: Buffer) => void lengths.push(data.length));
    },
  });
  await using device = await startIntercepting(provider.port, ({ body }) => {
    judged.push(body);
    return { kind: "allow" };
  });
  const client = await connect(device);
  const large = JSON.stringify(create("x".repeat(33 << 20)));
  client.socket.send(large);
  client.ask(create("small"));
  await until("both messages", () => lengths.length === 2);
  t.deepEqual(lengths, [large.length, JSON.stringify(create("small")).length]);
  t.deepEqual(judged, [null, create("small")]);
  client.socket.terminate();
});

test("a refusal waits until the message that the provider is sending is at its end", async (t) => {
  const { promise: refusing, resolve: refuse } = Promise.withResolvers<void>();
  await using provider = await startProvider(noAnswer, {
    talk(socket) {
      socket.send('{"type":"one message', { fin: false });
      void refusing.then(() => socket.send(' in two parts"}', { fin: true }));
    },
  });
  await using device = await startIntercepting(provider.port, (call) => {
    refuse();
    return noBad(call);
  });
  const client = await connect(device);
  const closed = once(client.socket, "close") as Promise<[number, Buffer]>;
  client.ask(create("hi", "bad"));
  t.is((await closed)[0], 1008);
  t.deepEqual(
    client.events.map(({ type }) => type),
    ["one message in two parts", "error"],
  );
});

test("an upgrade whose address names a refused model is refused with its status", async (t) => {
  await using provider = await startProvider(noAnswer, { talk: responses });
  await using device = await startIntercepting(provider.port, noBad);
  const dialled = await device.dial("api.openai.com");
  const socket = new WebSocket("wss://api.openai.com/v1/realtime?model=bad", {
    createConnection: () => dialled,
  });
  const [, answer] = (await once(socket, "unexpected-response")) as [
    unknown,
    { readonly statusCode: number },
  ];
  t.is(answer.statusCode, 403);
  t.deepEqual(provider.requests, []);
  socket.on("error", () => undefined);
  socket.terminate();
});

test("what is said to Gemini Live is refused by the end of the connection, and sound passes", async (t) => {
  const received: Message[] = [];
  await using provider = await startProvider(noAnswer, {
    talk(socket) {
      socket.on("message", (data: Buffer) => {
        const given = JSON.parse(data.toString()) as Message;
        received.push(given);
        if ("setup" in given) socket.send(Buffer.from('{"setupComplete":{}}'));
      });
    },
  });
  await using device = await startIntercepting(provider.port, noBad);
  const client = await connect(device, {
    host: "generativelanguage.googleapis.com",
    path: "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
  });
  const closed = once(client.socket, "close") as Promise<[number, Buffer]>;
  const sent: readonly Message[] = [
    { setup: { model: "models/good" } },
    { realtimeInput: { audio: { data: "secret", mimeType: "audio/pcm" } } },
  ];
  for (const each of sent) client.ask(each);
  await until("the set-up", () => client.events.length === 1);
  client.ask({ clientContent: { turns: [{ role: "user", parts: [{ text: "my secret" }] }] } });
  const [code, reason] = await closed;
  t.deepEqual([code, reason.toString()], [1008, message]);
  await until("what was let through", () => received.length === sent.length);
  t.deepEqual(received, sent);
  t.deepEqual(client.events, [{ setupComplete: {} }]);
});
