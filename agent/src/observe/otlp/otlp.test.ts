import test from "ava";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { createChecksum } from "./checksum.ts";
import { decodeRequest } from "./decode.ts";
import { fields, items, type Fields } from "../files/json.ts";
import { requests, type Message } from "./messages.ts";
import { readCalls } from "./read.ts";
import { readEvents, readPoints } from "./records.ts";

/** The JSON mapping as protobuf bytes, by the same table that the decoder reads by. */
function encode(message: Message, value: Fields): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, { name, kind, repeated }] of message) {
    for (const one of repeated ? items(value[name]) : value[name] === undefined ? [] : [value[name]]) {
      const text = typeof one === "string" || typeof one === "number" ? String(one) : "";
      if (kind === "text") writer.tag(number, WireType.LengthDelimited).string(text);
      else if (kind === "id") writer.tag(number, WireType.LengthDelimited).bytes(Buffer.from(text, "hex"));
      else if (kind === "bool") writer.tag(number, WireType.Varint).bool(one === true);
      else if (kind === "enum") writer.tag(number, WireType.Varint).int32(Number(one));
      else if (kind === "int64") writer.tag(number, WireType.Varint).int64(BigInt(text));
      else if (kind === "fixed64") writer.tag(number, WireType.Bit64).fixed64(BigInt(text));
      else if (kind === "sfixed64") writer.tag(number, WireType.Bit64).sfixed64(BigInt(text));
      else if (kind === "double") writer.tag(number, WireType.Bit64).double(Number(one));
      else writer.tag(number, WireType.LengthDelimited).bytes(encode(kind, fields(one)));
    }
  }
  return writer.finish();
}

/** Whatever a request of this message may hold, in the JSON mapping as the decoder writes it. */
function anyOf(message: Message): fc.Arbitrary<Fields> {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const { name, kind, repeated } of message.values()) {
    const one: fc.Arbitrary<unknown> =
      kind === "text"
        ? fc.string({ unit: "grapheme", maxLength: 20 })
        : kind === "id"
          ? fc.uint8Array({ minLength: 8, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex"))
          : kind === "bool"
            ? fc.boolean()
            : kind === "enum"
              ? fc.nat(3)
              : kind === "double"
                ? fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value))
                : kind === "fixed64"
                  ? fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
                  : typeof kind === "string"
                    ? int64
                    : anyOf(kind);
    model[name] = repeated ? fc.array(one, { minLength: 1, maxLength: 2 }) : one;
  }
  return fc.record(model, { requiredKeys: [], noNullPrototype: true });
}

for (const signal of ["logs", "traces", "metrics"] as const) {
  test(`${signal}: protobuf is read as its JSON mapping says`, (t) => {
    fc.assert(
      fc.property(anyOf(requests[signal]), (request) => {
        const decoded = decodeRequest(signal, "protobuf", Buffer.from(encode(requests[signal], request)));
        t.deepEqual(decoded.ok && decoded.value, request);
      }),
      { numRuns: 200 },
    );
  });

  test(`${signal}: damaged and foreign bytes are a refusal or a request, never an exception`, (t) => {
    const damaged = fc
      .tuple(anyOf(requests[signal]), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([request, changes, cut]) => {
        const bytes = Buffer.from(encode(requests[signal], request));
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return bytes.subarray(0, cut % (bytes.length + 1));
      });
    const foreign = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    const text = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)));
    fc.assert(
      fc.property(
        fc.oneof(damaged, foreign, text),
        fc.constantFrom("protobuf", "json" as const),
        (bytes, encoding) => {
          const decoded = decodeRequest(signal, encoding, bytes);
          if (!decoded.ok) return t.is(decoded.reason, "not_otlp");
          readCalls(readEvents(decoded.value));
          createChecksum().points(readPoints(decoded.value));
          return t.pass();
        },
      ),
      { numRuns: 500 },
    );
  });
}

test("whatever stands in the fields of a request, reading it does not throw", (t) => {
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant({ toString: 1, valueOf: 2 }));
  const attributes = fc.oneof(
    anything,
    fc.array(
      fc.record({
        key: fc.oneof(
          anything,
          fc.constantFrom(
            "event.name",
            "input_tokens",
            "event.kind",
            "request_id",
            "event.timestamp",
            "__proto__",
          ),
        ),
        value: fc.oneof(anything, fc.record({ stringValue: anything }), fc.record({ intValue: anything })),
      }),
    ),
  );
  const record = fc.record({
    timeUnixNano: anything,
    eventName: fc.oneof(anything, fc.constantFrom("claude_code.api_request", "gemini_cli.api_response")),
    attributes,
    traceId: anything,
    spanId: anything,
  });
  const service = fc.constantFrom("claude-code", "codex-cli", "gemini-cli", "copilot-chat", "");
  fc.assert(
    fc.property(service, fc.array(fc.oneof(record, anything)), (name, records) => {
      const resource = { attributes: [{ key: "service.name", value: { stringValue: name } }] };
      readCalls(readEvents({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] }));
      readCalls(readEvents({ resourceSpans: [{ resource, scopeSpans: [{ spans: records }] }] }));
      readPoints({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics: records }] }] });
      t.pass();
    }),
    { numRuns: 1000 },
  );
});

const at = "1795255960000000000";

function attributesOf(values: Readonly<Record<string, unknown>>): readonly Fields[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}

function logOf(service: string, eventName: string, attributes: object, version = "1.2.3"): Fields {
  const resource = { attributes: attributesOf({ "service.name": service, "service.version": version }) };
  const record = { timeUnixNano: at, eventName, attributes: attributesOf({ ...attributes }) };
  return { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record] }] }] };
}

function spanOf(service: string, name: string, attributes: object): Fields {
  const resource = { attributes: attributesOf({ "service.name": service }) };
  const span = {
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
    name,
    startTimeUnixNano: "1795255957000000000",
    endTimeUnixNano: at,
    attributes: attributesOf({ ...attributes }),
  };
  return { resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] };
}

const claude = {
  model: "claude-opus-5",
  input_tokens: 12,
  output_tokens: "340",
  cache_read_tokens: 1000,
  cache_creation_tokens: 50,
  duration_ms: "2000",
  request_id: "req_1",
  "session.id": "s1",
};
const codex = {
  "event.kind": "response.completed",
  model: "gpt-5.6",
  input_token_count: "1000",
  cached_token_count: "400",
  cache_write_token_count: "0",
  output_token_count: "50",
  reasoning_token_count: "20",
  tool_token_count: "1050",
  "event.timestamp": "2026-11-21T10:12:40.000Z",
  "conversation.id": "c1",
  auth_mode: "Chatgpt",
};
const gemini = {
  model: "gemini-3-pro",
  input_token_count: 1000,
  cached_content_token_count: 400,
  output_token_count: 50,
  thoughts_token_count: 20,
  tool_token_count: 5,
  duration_ms: 3000,
  status_code: 200,
  "session.id": "g1",
};
const chat = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "github",
  "gen_ai.response.model": "gpt-5.6",
  "gen_ai.response.id": "resp_9",
  "gen_ai.usage.input_tokens": 1000,
  "gen_ai.usage.cache_read.input_tokens": 400,
  "gen_ai.usage.output_tokens": 50,
};

/** Name, session, uncached input, cached, output; and what is particular. */
const calls: [what: string, request: Fields, expected: readonly unknown[], particular?: object][] = [
  [
    "Claude Code's request",
    logOf("claude-code", "claude_code.api_request", claude),
    ["req_1", "s1", 12, 1000, 340],
    { toolVersion: "1.2.3", durationMs: 2000, status: 200, model: "claude-opus-5", provider: "anthropic" },
  ],
  [
    "Claude Code's request in somebody's cloud, with the lifetimes of what it wrote to the cache",
    logOf("claude-code", "claude_code.api_request", {
      ...claude,
      "anthropic.provider": "bedrock",
      cache_creation_5m_tokens: 20,
      cache_creation_1h_tokens: "30",
    }),
    ["req_1", "s1", 12, 1000, 340],
    { provider: "aws-bedrock", tokens: { cacheWrite5m: 20, cacheWrite1h: 30 } },
  ],
  [
    "Claude Code's request by its short name",
    logOf("claude-code", "api_request", claude),
    ["req_1", "s1", 12, 1000, 340],
  ],
  [
    "Claude Code's failed request, whose tokens nobody knows",
    logOf("claude-code", "claude_code.api_error", { ...claude, status_code: "529" }),
    ["req_1", "s1", null, null, null],
    { status: 529 },
  ],
  [
    "Claude Code's request of a cloud that names none, by its number in the conversation",
    logOf("claude-code", "claude_code.api_request", {
      ...claude,
      request_id: undefined,
      "event.sequence": 7,
    }),
    ["otlp:claude-code:s1:7", "s1", 12, 1000, 340],
  ],
  [
    "Codex's answer, cached tokens being inside input",
    logOf("codex-cli", "codex.sse_event", codex),
    ["otlp:codex-cli:c1:1795255960000:600.400.50", "c1", 600, 400, 50],
    { billing: "plan", provider: "openai" },
  ],
  [
    "Codex's answer by WebSocket",
    logOf("codex_vscode", "codex.websocket_event", codex),
    ["otlp:codex-cli:c1:1795255960000:600.400.50", "c1", 600, 400, 50],
  ],
  [
    "Gemini CLI's answer, thoughts being outside output",
    logOf("gemini-cli", "gemini_cli.api_response", gemini),
    ["otlp:gemini-cli:g1:1795255960000:605.400.70", "g1", 605, 400, 70],
    { durationMs: 3000, provider: "google", toolVersion: null },
  ],
  [
    "a chat span of Copilot",
    spanOf("copilot-chat", "chat gpt-5.6", chat),
    ["resp_9", null, 600, 400, 50],
    { tool: "copilot-chat", provider: "github-copilot", durationMs: 3000 },
  ],
  [
    "embeddings of an instrumented program, which have no output",
    spanOf("my-service", "embeddings", {
      "gen_ai.operation.name": "embeddings",
      "gen_ai.system": "openai",
      "gen_ai.usage.prompt_tokens": 30,
    }),
    ["span:5b8efff798038103d269b633813fc60c:eee19b7ec3c1b174", null, 30, 0, 0],
    { tool: "my-service", provider: "openai" },
  ],
];
for (const [what, request, expected, particular] of calls) {
  test(`${what} is a call`, (t) => {
    const { sightings, formats } = readCalls(readEvents(request));
    const [call] = sightings;
    t.is(sightings.length, 1);
    t.deepEqual(
      [call?.callId, call?.place.sessionId, call?.tokens.input, call?.tokens.cacheRead, call?.tokens.output],
      [...expected],
    );
    t.is(call?.capture, "otlp");
    t.is((call?.place.occurredAt ?? 0) + (call?.durationMs ?? 0), 1_795_255_960_000);
    if (particular !== undefined) t.like(call, particular);
    t.is(formats[0]?.blank, 0);
  });
}

const others: [what: string, request: Fields, blank: number | undefined][] = [
  ["an event of another kind", logOf("claude-code", "claude_code.user_prompt", claude), undefined],
  [
    "a part of a stream",
    logOf("codex-cli", "codex.sse_event", { ...codex, "event.kind": "delta" }),
    undefined,
  ],
  [
    "the sums of an agent's turn",
    spanOf("copilot-chat", "invoke_agent", { ...chat, "gen_ai.operation.name": "invoke_agent" }),
    undefined,
  ],
  [
    "a general event of a tool that has its own",
    logOf("gemini-cli", "gen_ai.client.inference.operation.details", chat),
    undefined,
  ],
  [
    "a failure that names no request",
    logOf("claude-code", "claude_code.api_error", { model: "m" }),
    undefined,
  ],
  [
    "a request whose counts are called otherwise",
    logOf("claude-code", "claude_code.api_request", { inputTokens: 3, request_id: "req_1" }),
    1,
  ],
  [
    "an answer whose counts are called otherwise",
    logOf("codex-cli", "codex.sse_event", { "event.kind": "response.completed", input_tokens: 5 }),
    1,
  ],
  [
    "the end of a stream as any part of one, which Codex tells beside the one with counts",
    logOf("codex-cli", "codex.sse_event", { "event.kind": "response.completed" }),
    undefined,
  ],
];
for (const [what, request, blank] of others) {
  test(`${what} is no call${blank === undefined ? "" : ", and is noticed"}`, (t) => {
    const { sightings, formats } = readCalls(readEvents(request));
    t.deepEqual(sightings, []);
    t.is(formats[0]?.blank, blank);
  });
}

test("a span and a log record of one operation share a name", (t) => {
  const record = {
    timeUnixNano: at,
    eventName: "gen_ai.client.inference.operation.details",
    traceId: "5B8EFFF798038103D269B633813FC60C",
    spanId: "EEE19B7EC3C1B174",
    attributes: attributesOf(chat).filter(({ key }) => key !== "gen_ai.response.id"),
  };
  const [log] = readCalls(
    readEvents({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }),
  ).sightings;
  const [span] = readCalls(readEvents(spanOf("copilot-chat", "chat", chat))).sightings;
  t.true(span?.aliases.includes(log?.callId ?? ""));
});

test("no text of a conversation gets past the decoder", (t) => {
  const prompt = "the secret plan ".repeat(1000);
  const request = logOf("claude-code", "claude_code.api_request", { ...claude, prompt });
  const bytes = Buffer.from(encode(requests.logs, request));
  const decoded = decodeRequest("logs", "protobuf", bytes);
  t.false(JSON.stringify(decoded).includes("secret plan"));
  t.is(decoded.ok && readCalls(readEvents(decoded.value)).sightings[0]?.callId, "req_1");
});

function sum(values: readonly (readonly [start: string, value: number])[], temporality: number): Fields {
  const dataPoints = values.map(([startTimeUnixNano, asInt]) => ({
    startTimeUnixNano,
    asInt: String(asInt),
    attributes: attributesOf({ type: "output", model: "m" }),
  }));
  const metrics = [
    { name: "claude_code.token.usage", sum: { dataPoints, aggregationTemporality: temporality } },
  ];
  return { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
}

const sums: [
  what: string,
  points: readonly (readonly [string, number])[],
  temporality: number,
  metered: number,
][] = [
  [
    "changes are added",
    [
      ["1", 5],
      ["2", 7],
    ],
    1,
    12,
  ],
  [
    "running totals are not",
    [
      ["1", 5],
      ["1", 5],
      ["1", 12],
    ],
    2,
    12,
  ],
  [
    "a total that starts again goes on from nothing",
    [
      ["1", 5],
      ["2", 3],
      ["2", 4],
    ],
    2,
    9,
  ],
];
for (const [what, points, temporality, metered] of sums) {
  test(`metrics are held against calls: ${what}`, (t) => {
    const checksum = createChecksum();
    checksum.calls(readCalls(readEvents(logOf("claude-code", "claude_code.api_request", claude))).sightings);
    checksum.points(readPoints(sum(points, temporality)));
    t.deepEqual(checksum.read(), [{ tool: "claude-code", counted: 340, metered }]);
  });
}
