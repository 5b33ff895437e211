import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import type { Conversation } from "../conversation.ts";
import { claudeCodeTranscript } from "./claude-code.ts";
import { codexCliTranscript } from "./codex-cli.ts";
import { geminiCliTranscript } from "./gemini-cli.ts";
import { readConversations, type TranscriptReader } from "./transcript.ts";

const readers: Readonly<Record<string, TranscriptReader>> = {
  "claude-code": claudeCodeTranscript,
  "codex-cli": codexCliTranscript,
  "gemini-cli": geminiCliTranscript,
};

function read(tool: string, rows: readonly unknown[]): readonly Conversation[] {
  using folder = temporaryFolder();
  const file = join(folder.path, "log.jsonl");
  writeFileSync(file, rows.map((row) => `${typeof row === "string" ? row : JSON.stringify(row)}\n`).join(""));
  return readConversations(file, tool, readers[tool] ?? claudeCodeTranscript);
}

const second = (n: number): string => `2026-11-20T10:00:0${n}.000Z`;
const shown = (conversations: readonly Conversation[]) =>
  conversations.map(({ sessionId, lastAt, turns }) => [
    sessionId,
    new Date(lastAt).toISOString(),
    ...turns.map(({ by, text, edits }) => `${by}: ${text}${edits > 0 ? ` (${edits} edits)` : ""}`),
  ]);

const claude = (n: number, type: string, content: unknown, more: object = {}) => ({
  type,
  uuid: `u${n}`,
  sessionId: "s1",
  timestamp: second(n),
  message: { role: type, content },
  ...more,
});
const edit = { type: "tool_use", name: "Edit", input: { new_string: "x" } };
const codex = (n: number, type: string, payload: object) => ({ timestamp: second(n), type, payload });
const codexSaid = (n: number, message: string) => codex(n, "event_msg", { type: "user_message", message });
const codexAnswer = codex(2, "response_item", {
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text: "ok" }],
});
const gemini = (n: number, id: string, type: string, content: unknown, more: object = {}) => ({
  id,
  timestamp: second(n),
  type,
  content,
  ...more,
});

const cases: readonly [what: string, tool: string, rows: readonly unknown[], expected: unknown][] = [
  [
    "what was said, with edits, of one conversation",
    "claude-code",
    [
      claude(1, "user", "Fix it"),
      claude(2, "assistant", [{ type: "text", text: "Sure" }]),
      claude(3, "assistant", [edit, edit]),
      claude(4, "user", [{ type: "tool_result", tool_use_id: "t", content: "done" }]),
      claude(5, "user", [
        { type: "text", text: "Thanks" },
        { type: "image", source: {} },
      ]),
    ],
    [["s1", second(5), "person: Fix it", "assistant: ", "assistant:  (2 edits)", "person: Thanks"]],
  ],
  [
    "nothing that the program or another model wrote",
    "claude-code",
    [
      claude(1, "user", "note", { isMeta: true }),
      claude(2, "user", "summary", { isCompactSummary: true }),
      claude(3, "user", "subagent's task", { isSidechain: true }),
      claude(4, "assistant", "error", { isApiErrorMessage: true }),
    ],
    [],
  ],
  [
    "a row once, and conversations apart",
    "claude-code",
    [
      claude(1, "user", "a"),
      claude(1, "user", "a"),
      claude(2, "user", "b", { sessionId: "s2" }),
      'broken "type":"user"',
    ],
    [
      ["s1", second(1), "person: a"],
      ["s2", second(2), "person: b"],
    ],
  ],
  [
    "events for the person, the history for the rest",
    "codex-cli",
    [
      codex(0, "session_meta", { id: "thread-1", source: "cli" }),
      codex(1, "response_item", {
        type: "message",
        role: "user",
        content: [{ text: "<environment_context>" }],
      }),
      codexSaid(1, "Fix it"),
      codexAnswer,
      codex(3, "response_item", { type: "custom_tool_call", name: "apply_patch", input: "*** Begin Patch" }),
      codexSaid(4, "Thanks"),
    ],
    [["thread-1", second(4), "person: Fix it", "assistant: ", "assistant:  (1 edits)", "person: Thanks"]],
  ],
  ...["forked_from_id", "parent_thread_id"].map((field): [string, string, readonly unknown[], unknown] => [
    `nothing of a thread with ${field}, whose history is another's`,
    "codex-cli",
    [codex(0, "session_meta", { id: "thread-2", [field]: "thread-1" }), codexSaid(1, "Fix it"), codexAnswer],
    [],
  ]),
  [
    "nothing of a subagent",
    "codex-cli",
    [codex(0, "session_meta", { id: "thread-3", source: { subagent: {} } }), codexSaid(1, "Fix it")],
    [],
  ],
  [
    "messages, each as it was written last",
    "gemini-cli",
    [
      { sessionId: "g1", kind: "main" },
      gemini(1, "a", "user", [{ text: "Fix it" }]),
      gemini(2, "b", "gemini", "Wo"),
      gemini(2, "b", "gemini", "Working", { toolCalls: [{ name: "replace" }, { name: "read_file" }] }),
      { $set: { messages: [gemini(1, "a", "user", "Fix it"), gemini(3, "c", "user", "Thanks")] } },
      gemini(4, "d", "info", "update available"),
    ],
    [["g1", second(3), "person: Fix it", "assistant:  (1 edits)", "person: Thanks"]],
  ],
  [
    "nothing of a subagent",
    "gemini-cli",
    [{ sessionId: "g2", kind: "subagent" }, gemini(1, "a", "user", "Fix it")],
    [],
  ],
];

for (const [what, tool, rows, expected] of cases) {
  test(`${tool}: ${what}`, (t) => {
    t.deepEqual(shown(read(tool, rows)), expected);
  });
}

test("a reader never throws on a row", (t) => {
  const known = cases.flatMap(([, , rows]) => rows.filter((row) => typeof row === "object"));
  const row = fc.oneof(
    fc.dictionary(
      fc.constantFrom(
        "type",
        "message",
        "payload",
        "sessionId",
        "timestamp",
        "content",
        "$set",
        "id",
        "toolCalls",
      ),
      fc.jsonValue(),
    ),
    fc
      .tuple(
        fc.constantFrom(...known),
        fc.dictionary(fc.constantFrom("message", "payload", "content"), fc.jsonValue()),
      )
      .map(([base, change]) => ({ ...(base as object), ...change })),
  );
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
      for (const reader of Object.values(readers)) {
        const state = reader.start();
        for (const one of rows) t.true(Array.isArray(reader.read(one, state)));
      }
    }),
  );
});
