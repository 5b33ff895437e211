import test from "ava";
import { webSocketReader } from "../observe/intercept/framing/websocket.ts";
import { refusalFrames } from "./refuse-frames.ts";
import { refusalAnswer, type RefusedCall } from "./refuse.ts";

const message = 'Rule "models" does not allow this model.';
const resetsAt = Date.UTC(2026, 11, 1);

const cases: [
  call: RefusedCall,
  resetsAt: number | null,
  status: number,
  at: readonly (string | number)[],
  word: unknown,
][] = [
  [
    { family: "anthropic", tool: "claude-code", isArray: false },
    null,
    403,
    ["error", "type"],
    "permission_error",
  ],
  [
    { family: "anthropic", tool: "claude-code", isArray: false },
    resetsAt,
    403,
    ["error", "message"],
    message,
  ],
  [
    { family: "openai", tool: "openai-sdk", isArray: false },
    null,
    403,
    ["error", "code"],
    "flowstate_policy",
  ],
  [{ family: "openai", tool: "codex-cli", isArray: false }, null, 400, ["error", "code"], "flowstate_policy"],
  [
    { family: "openai", tool: "codex-cli", isArray: false },
    resetsAt,
    429,
    ["error", "type"],
    "usage_limit_reached",
  ],
  [
    { family: "openai", tool: "codex-cli", isArray: false },
    resetsAt,
    429,
    ["error", "resets_at"],
    resetsAt / 1000,
  ],
  [
    { family: "gemini", tool: "gemini-cli", isArray: false },
    resetsAt,
    403,
    ["error", "status"],
    "PERMISSION_DENIED",
  ],
  [{ family: "gemini", tool: "gemini-cli", isArray: true }, null, 403, [0, "error", "code"], 403],
  [{ family: "bedrock", tool: "aws-sdk", isArray: false }, null, 403, ["message"], message],
  [{ family: "cohere", tool: "unknown", isArray: false }, null, 403, ["message"], message],
  [{ family: "ollama", tool: "unknown", isArray: false }, null, 403, ["error"], message],
];

for (const [call, reset, status, at, word] of cases) {
  const what = `${call.family} to ${call.tool}${reset === null ? "" : ", budget spent"}${call.isArray ? ", array" : ""}`;
  test(`${what}: ${at.join(".")} of a ${status}`, (t) => {
    const answer = refusalAnswer(call, { kind: "refuse", message, resetsAt: reset });
    const found = at.reduce<unknown>(
      (value, key) => (value as Record<string, unknown>)[key],
      JSON.parse(answer.body),
    );
    t.is(answer.status, status);
    t.deepEqual(found, word);
    t.is(new Map(answer.headers).get("x-should-retry"), "false");
  });
}

const sockets: readonly (readonly [
  call: RefusedCall,
  resetsAt: number | null,
  message: string,
  status: number | null,
])[] = [
  [{ family: "openai", tool: "openai-sdk", isArray: false }, null, message, 403],
  [{ family: "openai", tool: "codex-cli", isArray: false }, null, message, 400],
  [{ family: "openai", tool: "codex-cli", isArray: false }, resetsAt, message, 429],
  [{ family: "openai", tool: "unknown", isArray: false }, null, "\u00e4\u{1F600}".repeat(500), 403],
  [{ family: "gemini", tool: "unknown", isArray: false }, null, message, null],
  [{ family: "gemini", tool: "unknown", isArray: false }, null, "\u{1F600}".repeat(100), null],
];

for (const [call, reset, words, status] of sockets) {
  test(`an open socket of ${call.tool} (${call.family}) is refused with ${status ?? "its end alone"}: ${words.slice(0, 9)}`, (t) => {
    const told: unknown[] = [];
    const reader = webSocketReader(
      {
        onStart: () => undefined,
        onBytes: () => undefined,
        onMessage: (bytes) => void told.push(JSON.parse(bytes?.toString() ?? "null")),
      },
      { deflate: null, mostBytes: 1 << 20 },
    );
    const bytes = refusalFrames(call, { kind: "refuse", message: words, resetsAt: reset });
    reader.write(bytes);
    t.true(reader.isBetween);
    t.is(told.length, status === null ? 0 : 1);
    if (status !== null) t.like(told[0], { type: "error", status, error: { message: words } });
    const close = bytes.subarray(bytes.lastIndexOf(0x88));
    t.is(close.length, 2 + (close[1] ?? 0));
    t.is(close.readUInt16BE(2), 1008);
    const reason = close.subarray(4).toString();
    t.true(words.startsWith(reason) && reason.length > 0);
  });
}
