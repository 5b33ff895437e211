/** Calls of every API whose answers come over a WebSocket, told apart and counted, and hostile messages. */
import test from "ava";
import fc from "fast-check";
import { must } from "@flowstate/shared/assert";
import { recogniseHost } from "@flowstate/shared/hosts";
import type { OutputTrust } from "../../../normalise/sighting.ts";
import { findSocketEndpoint } from "../endpoint.ts";
import type { PendingCall } from "../exchange.ts";
import type { FinishedCall } from "../finished-call.ts";
import type { Said } from "../usage/reading.ts";
import { readUpgrade, type Conversation } from "./upgrade.ts";

type Message = Readonly<Record<string, unknown>>;
/** `>` from the client, `<` from the server, `-` the end of the connection. */
type Step = readonly [">" | "<", Message] | readonly ["-"];

interface Talk {
  readonly conversation: Conversation;
  readonly calls: FinishedCall[];
  readonly heard: string[];
  readonly judged: (PendingCall | undefined)[];
}

const responses = ["api.openai.com", "/v1/responses"] as const;
const codex = ["chatgpt.com", "/backend-api/codex/responses"] as const;
const realtime = ["api.openai.com", "/v1/realtime?model=gpt-realtime"] as const;
const azure = ["x.openai.azure.com", "/openai/v1/realtime?model=mine"] as const;
const live = [
  "generativelanguage.googleapis.com",
  "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
] as const;
const vertexLive = [
  "us-central1-aiplatform.googleapis.com",
  "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent",
] as const;
type Address = readonly [host: string, path: string];

const codexFields = new Map([
  ["user-agent", "codex_cli_rs/0.169.0"],
  ["originator", "codex_cli_rs"],
  ["session-id", "session-1"],
  ["thread-id", "thread-1"],
]);

/** With a clock that goes on by a second whenever it is asked. */
function talk([host, path]: Address, onError: (error: unknown) => void = (error) => fail(error)): Talk {
  const aiHost = must(recogniseHost(host), host);
  const endpoint = must(findSocketEndpoint(aiHost, path), path);
  const calls: FinishedCall[] = [];
  const heard: string[] = [];
  let clock = 0;
  const upgrade = readUpgrade({
    aiHost,
    host,
    path,
    endpoint,
    header: (name) => codexFields.get(name) ?? null,
    listen: () => {
      let said = "";
      return {
        hear: (pieces: readonly Said[]) => void (said += pieces.map(({ text }) => text).join("")),
        end: () => void heard.push(said),
      };
    },
    report: (call) => void calls.push(call),
    onError,
    now: () => (clock += 1000),
  });
  return {
    conversation: must(
      upgrade.open(() => null),
      "readable",
    ),
    calls,
    heard,
    judged: [],
  };
}

function fail(error: unknown): never {
  throw error;
}

function play({ conversation, judged }: Talk, steps: readonly Step[]): void {
  for (const step of steps) {
    if (step[0] === "-") conversation.end();
    else if (step[0] === "<") conversation.server(step[1]);
    else {
      judged.push(conversation.judged(step[1])?.pending());
      conversation.client(step[1]);
    }
  }
}

/** Model, id, `input read write output reasoning`, trust, status, whether usage was missing, and what was not text. */
function shown({ sighting, isBlank }: FinishedCall): string {
  const { model, callId, tokens, evidence, status, terms } = sighting;
  const { input, cacheRead, cacheWrite5m, output, reasoning } = tokens;
  const counts = [input, cacheRead, cacheWrite5m, output, reasoning].map((count) => count ?? "-").join(" ");
  const blank = isBlank === null ? "" : isBlank ? " blank" : "";
  const name = callId.startsWith("wire_") ? "-" : callId;
  const sound = terms.modality === null ? "" : ` ${terms.modality}`;
  return `${model ?? "-"} ${name} ${counts} ${evidence.declared} ${status}${blank}${sound}`;
}

const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
};
const response = { model: "gpt-x", service_tier: "priority" };
const ask = (input: string, more: Message = {}): Step => [
  ">",
  { type: "response.create", model: "gpt-x", input, ...more },
];
const event = (type: string, more: Message): Step => ["<", { type, ...more }];
const created = (id: string, more: Message = {}): Step =>
  event("response.created", { response: { id, ...response, usage: null }, ...more });
const delta = (text: string, more: Message = {}): Step =>
  event("response.output_text.delta", { delta: text, output_index: 0, ...more });
const completed = (id: string, more: Message = {}): Step =>
  event("response.completed", { response: { id, ...response, usage }, ...more });
const counts = "30 60 10 20 5";

const realtimeUsage = {
  total_tokens: 170,
  input_tokens: 150,
  output_tokens: 20,
  input_token_details: {
    text_tokens: 50,
    audio_tokens: 100,
    cached_tokens: 64,
    cached_tokens_details: { text_tokens: 64 },
  },
  output_token_details: { text_tokens: 5, audio_tokens: 15 },
};
const done = (id: string, more: Message = {}): Step =>
  event("response.done", { response: { id, status: "completed", usage: realtimeUsage, ...more } });
const session = {
  model: "gpt-realtime-2025-08-28",
  instructions: "Be brief.",
  audio: { input: { transcription: { model: "gpt-4o-transcribe" } } },
};

const setup: Step = [">", { setup: { model: "models/gemini-live-x", systemInstruction: { parts: [] } } }];
const says = (text: string): Step => [
  ">",
  { clientContent: { turns: [{ role: "user", parts: [{ text }] }], turnComplete: true } },
];
const model = (text: string): Step => ["<", { serverContent: { modelTurn: { parts: [{ text }] } } }];
const turnComplete = { serverContent: { turnComplete: true } };
const liveUsage = (promptTokenCount: number, responseTokenCount: number, more: Message = {}) => ({
  usageMetadata: { promptTokenCount, responseTokenCount, ...more },
});

interface Sample {
  readonly what: string;
  readonly at: Address;
  readonly steps: readonly Step[];
  readonly calls: readonly string[];
  /** What was said in the calls. */
  readonly heard?: readonly string[];
}

const samples: readonly Sample[] = [
  {
    what: "several responses over one socket",
    at: responses,
    steps: [
      ask("one"),
      created("resp_1"),
      event("response.in_progress", { response: { id: "resp_1" } }),
      delta("hi "),
      delta("there"),
      completed("resp_1"),
      ask("two", { previous_response_id: "resp_1" }),
      created("resp_2"),
      delta("again"),
      completed("resp_2"),
      ["-"],
    ],
    calls: [`gpt-x resp_1 ${counts} final 200`, `gpt-x resp_2 ${counts} final 200`],
    heard: ["hi there", "again"],
  },
  {
    what: "a warm-up, whose prompt is counted",
    at: codex,
    steps: [
      ask("hello", { generate: false }),
      created("resp_0"),
      event("response.completed", {
        response: { id: "resp_0", ...response, usage: { input_tokens: 18, output_tokens: 0 } },
      }),
      event("codex.rate_limits", { plan_type: "pro" }),
    ],
    calls: ["gpt-x resp_0 18 - - 0 - final 200"],
  },
  {
    what: "answers on their way at once, in lanes",
    at: responses,
    steps: [
      ask("a", { stream_id: "a" }),
      ask("b", { stream_id: "b" }),
      created("resp_b", { stream_id: "b" }),
      created("resp_a", { stream_id: "a" }),
      delta("of b", { stream_id: "b" }),
      delta("of a", { stream_id: "a" }),
      completed("resp_a", { stream_id: "a" }),
      completed("resp_b", { stream_id: "b" }),
    ],
    calls: [`gpt-x resp_a ${counts} final 200`, `gpt-x resp_b ${counts} final 200`],
    heard: ["of a", "of b"],
  },
  {
    what: "an answer that is cut off by the end of the connection",
    at: responses,
    steps: [ask("some words of a prompt"), created("resp_1"), delta("x".repeat(400)), ["-"]],
    calls: ["gpt-x resp_1 5 - - 58 - estimated 200"],
  },
  {
    what: "an answer that did not begin",
    at: responses,
    steps: [ask("one"), ["-"]],
    calls: [],
  },
  {
    what: "an answer that is not complete",
    at: responses,
    steps: [
      ask("one"),
      created("resp_1"),
      event("response.incomplete", { response: { id: "resp_1", ...response, usage } }),
    ],
    calls: [`gpt-x resp_1 ${counts} final 200`],
  },
  {
    what: "an answer that fails",
    at: responses,
    steps: [
      ask("one"),
      created("resp_1"),
      event("response.failed", {
        response: { id: "resp_1", ...response, usage: null, error: { code: "server_error" } },
      }),
    ],
    calls: ["gpt-x resp_1 - - - - - floor 200"],
  },
  {
    what: "a call that is refused, and the one after it",
    at: responses,
    steps: [
      ask("one"),
      event("error", { status: 429, error: { type: "usage_limit_reached", message: "no" } }),
      ask("two"),
      event("error", { error: { type: "server_error", message: "no" } }),
      ask("three"),
      created("resp_3"),
      completed("resp_3"),
    ],
    calls: ["gpt-x - - - - - - final 429", "gpt-x - - - - - - final 500", `gpt-x resp_3 ${counts} final 200`],
  },
  {
    what: "an error in the middle of an answer",
    at: responses,
    steps: [
      ask("one"),
      created("resp_1"),
      event("error", { status: 500, error: { type: "server_error" } }),
      ["-"],
    ],
    calls: ["gpt-x resp_1 - - - - - floor 200"],
  },
  {
    what: "a format that has changed",
    at: responses,
    steps: [
      ask("one"),
      created("resp_1"),
      event("response.completed", { response: { id: "resp_1", ...response, spent: usage } }),
    ],
    calls: ["gpt-x resp_1 - - - - - floor 200 blank"],
  },
  {
    what: "answers of a realtime session, asked for and begun by the server",
    at: realtime,
    steps: [
      event("session.created", { session }),
      [">", { type: "input_audio_buffer.append", audio: "AAAA" }],
      event("response.created", { response: { id: "resp_1", status: "in_progress" } }),
      event("response.output_audio.delta", { response_id: "resp_1", delta: "QUFBQUFB" }),
      event("response.output_audio_transcript.delta", { response_id: "resp_1", delta: "Hello." }),
      done("resp_1"),
      [
        ">",
        {
          type: "conversation.item.create",
          item: { role: "user", content: [{ type: "input_text", text: "hm" }] },
        },
      ],
      [">", { type: "response.create" }],
      event("response.created", { response: { id: "resp_2" } }),
      event("error", { error: { type: "invalid_request_error", message: "about something else" } }),
      done("resp_2"),
    ],
    calls: [
      "gpt-realtime-2025-08-28 resp_1 86 64 - 20 - final 200 audio",
      "gpt-realtime-2025-08-28 resp_2 86 64 - 20 - final 200 audio",
    ],
    heard: ["Hello.", ""],
  },
  {
    what: "an answer that the person interrupts",
    at: realtime,
    steps: [
      event("response.created", { response: { id: "resp_1" } }),
      done("resp_1", { status: "cancelled", usage: null }),
    ],
    calls: ["gpt-realtime resp_1 - - - - - floor 200"],
  },
  {
    what: "what is transcribed, by tokens and by duration",
    at: realtime,
    steps: [
      event("session.updated", { session }),
      event("conversation.item.input_audio_transcription.completed", {
        item_id: "item_1",
        transcript: "hello",
        usage: {
          type: "tokens",
          input_tokens: 26,
          output_tokens: 17,
          input_token_details: { audio_tokens: 26 },
        },
      }),
      event("conversation.item.input_audio_transcription.completed", {
        item_id: "item_2",
        transcript: "hello",
        usage: { type: "duration", seconds: 2 },
      }),
    ],
    calls: [
      "gpt-4o-transcribe item_1 26 - - 17 - final 200 audio",
      "gpt-4o-transcribe item_2 - - - - - floor 200",
    ],
  },
  {
    what: "a deployment, which is no model",
    at: azure,
    steps: [event("response.created", { response: { id: "resp_1" } }), done("resp_1")],
    calls: ["- resp_1 86 64 - 20 - final 200 audio"],
  },
  {
    what: "turns of a live session, each with its usage",
    at: live,
    steps: [
      setup,
      ["<", { setupComplete: {} }],
      says("one"),
      model("Hello"),
      model(" there."),
      ["<", { serverContent: { generationComplete: true } }],
      ["<", { ...turnComplete, ...liveUsage(143, 19, { thoughtsTokenCount: 7, totalTokenCount: 162 }) }],
      says("two"),
      ["<", { serverContent: { outputTranscription: { text: "Spoken." } } }],
      ["<", turnComplete],
      ["<", liveUsage(181, 24, { cachedContentTokenCount: 81 })],
      ["-"],
    ],
    calls: ["gemini-live-x - 143 0 0 26 7 final 200", "gemini-live-x - 100 81 0 24 0 final 200"],
    heard: ["Hello there.", "Spoken."],
  },
  {
    what: "a turn in which a tool is called",
    at: vertexLive,
    steps: [
      [">", { setup: { model: "projects/p/locations/l/publishers/google/models/gemini-live-x" } }],
      [">", { realtimeInput: { text: "what is the weather" } }],
      ["<", { toolCall: { functionCalls: [{ name: "weather" }] }, ...liveUsage(100, 5) }],
      [">", { toolResponse: { functionResponses: [{ name: "weather", response: { is: "fine" } }] } }],
      model("Fine."),
      ["<", { ...turnComplete, usageMetadata: { promptTokenCount: 120, candidatesTokenCount: 3 } }],
    ],
    calls: ["gemini-live-x - 100 0 0 5 0 final 200", "gemini-live-x - 120 0 0 3 0 final 200"],
  },
  {
    what: "the count of one answer, told as it grows",
    at: live,
    steps: [
      setup,
      model("a"),
      ["<", liveUsage(100, 5)],
      model("b"),
      [
        "<",
        {
          ...turnComplete,
          ...liveUsage(100, 9, { responseTokensDetails: [{ modality: "AUDIO", tokenCount: 9 }] }),
        },
      ],
    ],
    calls: ["gemini-live-x - 100 0 0 9 0 final 200 audio"],
    heard: ["ab"],
  },
  {
    what: "turns without usage, interrupted and not",
    at: live,
    steps: [
      setup,
      model("a"),
      ["<", { serverContent: { interrupted: true } }],
      ["<", turnComplete],
      model("b"),
      ["<", turnComplete],
      says("c"),
      model("x".repeat(400)),
      ["-"],
    ],
    calls: [
      "gemini-live-x - - - - 1 - estimated 200",
      "gemini-live-x - - - - 1 - estimated 200 blank",
      "gemini-live-x - 1 - - 58 - estimated 200",
    ],
  },
];

for (const { what, at, steps, calls, heard } of samples) {
  test(`${at[1].replace(/\?.*/, "")}: ${what}`, (t) => {
    const talked = talk(at);
    play(talked, steps);
    t.deepEqual(talked.calls.map(shown), calls);
    if (heard !== undefined) t.deepEqual(talked.heard, heard);
  });
}

test("a call begins when it was asked for, has its tool and its tier, and its own names alone", (t) => {
  const talked = talk(codex);
  play(talked, [ask("one"), created("resp_1"), delta("hi"), completed("resp_1")]);
  t.like(talked.calls[0]?.sighting, {
    aliases: [],
    capture: "intercept",
    tool: "codex-cli",
    toolVersion: "0.169.0",
    provider: "openai",
    host: "chatgpt.com",
    durationMs: 1000,
    terms: { serviceTier: "priority", speed: null, inferenceGeo: null, modality: null },
  });
  t.like(talked.calls[0]?.sighting.place, { occurredAt: 1000, sessionId: "thread-1" });
});

const sayings: readonly (readonly [
  what: string,
  at: Address,
  message: Message,
  model: string | null,
  words: string,
])[] = [
  ["a call", responses, { type: "response.create", model: "m", input: "secret" }, "m", "secret"],
  ["what is added to one", responses, { type: "response.steer", input: "secret" }, null, "secret"],
  [
    "an item",
    realtime,
    { type: "conversation.item.create", item: { content: [{ type: "input_text", text: "secret" }] } },
    "gpt-realtime",
    "secret",
  ],
  [
    "an answer that is asked for",
    realtime,
    { type: "response.create", response: { instructions: "secret" } },
    "gpt-realtime",
    "secret",
  ],
  [
    "a session",
    realtime,
    { type: "session.update", session: { model: "other", instructions: "secret" } },
    "other",
    "secret",
  ],
  [
    "a set-up",
    live,
    { setup: { model: "models/m", systemInstruction: { parts: [{ text: "secret" }] } } },
    "m",
    "secret",
  ],
  ["a turn", live, { clientContent: { turns: [{ parts: [{ text: "secret" }] }] } }, null, "secret"],
  [
    "a turn in the other spelling",
    live,
    { client_content: { turns: [{ parts: [{ text: "secret" }] }] } },
    null,
    "secret",
  ],
  ["a message that nobody knows", live, { whatever: "secret" }, null, "secret"],
  ["a message that nobody knows", realtime, { type: "say", words: "secret" }, "gpt-realtime", "secret"],
  ["a message that nobody knows", responses, { type: "say", words: "secret" }, null, "secret"],
  ["typed words", live, { realtimeInput: { text: "secret" } }, null, "secret"],
  [
    "a tool's result",
    live,
    { toolResponse: { functionResponses: [{ response: { is: "secret" } }] } },
    null,
    "secret",
  ],
];

for (const [what, at, message, asked, words] of sayings) {
  test(`${at[1].replace(/\?.*/, "")}: ${what} is judged by its words`, (t) => {
    const pending = talk(at).conversation.judged(message)?.pending();
    t.is(pending?.model, asked);
    t.true(JSON.stringify(pending?.body).includes(words));
  });
}

const silent: readonly (readonly [at: Address, message: Message])[] = [
  [responses, {}],
  [responses, { type: "response.cancel" }],
  [realtime, { type: "input_audio_buffer.append", audio: "AAAA" }],
  [realtime, { type: "input_audio_buffer.commit" }],
  [live, { realtimeInput: { audio: { data: "AAAA", mimeType: "audio/pcm" } } }],
  [live, { realtimeInput: { activityStart: {} } }],
];

for (const [at, message] of silent) {
  test(`${at[1].replace(/\?.*/, "")}: ${JSON.stringify(message)} says nothing to judge`, (t) => {
    t.is(talk(at).conversation.judged(message), null);
  });
}

test("a message that cannot be read is judged as one", (t) => {
  t.like(talk(responses).conversation.judged(null)?.pending(), { model: null, body: null });
});

const types = ["response.create", "response.created", "response.done", "error", "session.update"];
const hostileValue = fc.oneof(fc.jsonValue(), fc.constantFrom("resp_1", "__proto__", 1e308, {}));
const hostileMessage = fc.record(
  {
    type: fc.oneof(fc.constantFrom(...types), hostileValue),
    response: fc.oneof(
      fc.record({ id: hostileValue, usage: hostileValue, status: hostileValue }),
      hostileValue,
    ),
    stream_id: hostileValue,
    session: hostileValue,
    item: hostileValue,
    setup: hostileValue,
    clientContent: hostileValue,
    serverContent: hostileValue,
    usageMetadata: hostileValue,
    toolResponse: hostileValue,
    error: hostileValue,
    delta: hostileValue,
  },
  { requiredKeys: [] },
);

test("no messages of either side make a conversation fail, and counts stay counts", (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(responses, realtime, live),
      fc.array(fc.tuple(fc.boolean(), hostileMessage), { maxLength: 12 }),
      (at, messages) => {
        const talked = talk(at);
        play(
          talked,
          messages.map(([isClient, message]): Step => [isClient ? ">" : "<", message]),
        );
        play(talked, [["-"]]);
        const trusts = new Set<OutputTrust>(["final", "floor", "estimated"]);
        for (const { sighting } of talked.calls) {
          t.true(trusts.has(sighting.evidence.declared));
          for (const count of Object.values(sighting.tokens))
            t.true(count === null || Number.isSafeInteger(count));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("answers that never end are forgotten in the end, and told of", (t) => {
  const talked = talk(responses);
  for (let at = 0; at < 1000; at += 1) play(talked, [ask("x"), created(`resp_${at}`)]);
  t.is(talked.calls.length, 1000 - 64);
});
