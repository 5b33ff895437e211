import test from "ava";
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
