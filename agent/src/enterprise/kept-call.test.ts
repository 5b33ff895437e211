/** What is kept of a call: the words of every API, each turn once, no secret, and never more than the bounds. */
import test from "ava";
import fc from "fast-check";
import { unknownTokens } from "@flowstate/shared/tokens";
import { mintKey } from "@flowstate/shared/keys";
import { sightingBy } from "../normalise/sighting.ts";
import type { FinishedCall } from "../observe/intercept/finished-call.ts";
import { keptCall } from "./kept-call.ts";
import { cutText, maskSecrets } from "./mask.ts";
import { readPrompt, type Turn } from "./prompt.ts";
import { seenTurns } from "./seen-turns.ts";

const said = (role: string, text: string): Turn => ({ role, text });

const finished = (body: unknown, answer = "", isAnswerCut = false): FinishedCall => ({
  sighting: sightingBy("intercept", {
    callId: "c1",
    tool: "claude-code",
    provider: "anthropic",
    model: "m",
    tokens: unknownTokens,
    place: { occurredAt: 1, sessionId: "s1" },
  }),
  body,
  answer,
  isAnswerCut,
  isBlank: false,
});

const asked = said("user", "Why?");
const dialects: readonly (readonly [what: string, body: unknown, instructions: string[], turns: Turn[]])[] = [
  [
    "Anthropic messages",
    {
      model: "m",
      system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } }],
      tools: [{ name: "Read", description: "reads a file" }],
      messages: [
        { role: "user", content: "Why?" },
        { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", input: { path: "a.txt" } }] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "a file" }] },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBOR" } },
          ],
        },
      ],
    },
    ["Be brief."],
    [asked, said("assistant", "a.txt"), said("user", "a file")],
  ],
  [
    "chat completions",
    {
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: [{ type: "text", text: "Why?" }] },
      ],
    },
    [],
    [said("system", "Be brief."), asked],
  ],
  ["responses with a text", { instructions: "Be brief.", input: "Why?" }, ["Be brief."], [asked]],
  [
    "responses with items",
    {
      input: [
        { type: "message", role: "user", content: [{ type: "input_text", text: "Why?" }] },
        { type: "function_call_output", call_id: "call_1", output: "42" },
      ],
    },
    [],
    [asked, said("function_call_output", "42")],
  ],
  [
    "Gemini",
    {
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [{ role: "user", parts: [{ text: "Why?" }] }],
    },
    ["Be brief."],
    [asked],
  ],
  [
    "Code Assist",
    { model: "m", request: { contents: [{ role: "user", parts: [{ text: "Why?" }] }] } },
    [],
    [asked],
  ],
  [
    "Bedrock Converse",
    { system: [{ text: "Be brief." }], messages: [{ role: "user", content: [{ text: "Why?" }] }] },
    ["Be brief."],
    [asked],
  ],
  ["Titan", { inputText: "Why?" }, [], [asked]],
  [
    "Cohere v1",
    { preamble: "Be brief.", chat_history: [{ role: "CHATBOT", message: "Yes?" }], message: "Why?" },
    ["Be brief."],
    [said("CHATBOT", "Yes?"), asked],
  ],
  ["Ollama", { system: "Be brief.", prompt: "Why?" }, ["Be brief."], [asked]],
  ["embeddings", { input: ["Why?", "How?"] }, [], [asked, said("user", "How?")]],
  ["a picture", { prompt: "Why?", size: "1x1" }, [], [asked]],
];

for (const [what, body, instructions, turns] of dialects) {
  test(`the words of a request are read: ${what}`, (t) => {
    t.deepEqual(readPrompt(body), { instructions, turns });
  });
}

test("a conversation is kept once, however often it is sent", (t) => {
  const turn = fc.record({
    role: fc.constantFrom("user", "assistant"),
    text: fc.constantFrom("yes", "no", "go on"),
  });
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 30 }), fc.array(fc.nat(6)), (turns, steps) => {
      const seen = seenTurns();
      const kept: Turn[] = [];
      let sent = 0;
      for (const step of [...steps, turns.length]) {
        sent = Math.min(turns.length, sent + 1 + step);
        const prompt = { instructions: ["Be brief."], turns: turns.slice(0, sent) };
        const fresh = seen.fresh(prompt, "s1");
        t.is(fresh.earlierTurns + fresh.turns.length, sent);
        // What was asked comes along again where nothing is new.
        kept.splice(fresh.earlierTurns, 1, ...fresh.turns);
      }
      t.deepEqual(kept, turns);
    }),
  );
});

test("what is changed in the middle of a conversation, or said in another one, is new", (t) => {
  const seen = seenTurns();
  const turns = ["one", "two", "three", "four"].map((text) => said("user", text));
  const freshOf = (texts: readonly Turn[], conversation = "s1") =>
    seen.fresh({ instructions: ["Be brief."], turns: texts }, conversation);
  t.deepEqual(freshOf(turns), { instructions: ["Be brief."], turns, earlierTurns: 0 });
  t.deepEqual(freshOf(turns.with(1, said("user", "other"))).turns.length, 3);
  t.deepEqual(freshOf(turns, "s2"), { instructions: ["Be brief."], turns, earlierTurns: 0 });
  t.deepEqual(freshOf(turns), { instructions: [], turns: turns.slice(3), earlierTurns: 3 });
});

const key = mintKey("org").text;
const pem = ["-----BEGIN RSA", "KEY-----\nMIIEow\nAAAA\n-----END RSA", "KEY-----"].join(" PRIVATE ");
const masks: readonly (readonly [what: string, text: string, masked: string])[] = [
  ["a key among words", `use ${key} here`, "use [flowstate-key] here"],
  ["two of them", `${key},${key}`, "[flowstate-key],[flowstate-key]"],
  [
    "one behind an escaped line end",
    String.raw`{"text":"a\n${key}\n"}`,
    String.raw`{"text":"a\n[flowstate-key]\n"}`,
  ],
  ["a private key to its end", `a ${pem} b`, "a [private-key] b"],
  ["a private key without an end", `a ${pem.slice(0, -40)}`, "a [private-key]"],
  ["an escaped private key", `a ${pem.replaceAll("\n", String.raw`\n`)} b`, "a [private-key] b"],
  ["a key in a private key", `a ${pem.replace("AAAA", key)} b`, "a [private-key] b"],
  ["no secret", "sk-not-a-key, ghp_short", "sk-not-a-key, ghp_short"],
];

for (const [what, text, masked] of masks) {
  test(`secrets are masked: ${what}`, (t) => {
    t.is(maskSecrets(text).text, masked);
  });
}

test("no secret is kept wherever it stands, not even where a text is cut in it", (t) => {
  const words = fc.array(fc.constantFrom("a", "word", "and", "\n", "\\n", '"', key), { maxLength: 40 });
  fc.assert(
    fc.property(words, fc.nat(400), (parts, most) => {
      const text = parts.join(" ");
      const { text: kept, isCut } = cutText(text, most);
      t.is(isCut, text.length > most);
      t.true(kept.length <= most);
      t.false(maskSecrets(kept).text.includes(key.slice(0, 16)));
    }),
  );
  const cutInside = keptCall(
    finished({ prompt: `${"a ".repeat(99_990)}${key}` }, `so ${key.slice(0, 40)}`, true),
    seenTurns(),
  );
  t.false(JSON.stringify(cutInside).includes(key.slice(0, 16)));
  t.like(cutInside, { summary: { isCut: true }, words: { answer: { text: "so ", isCut: true } } });
});

test("of a prompt that is too large the last turns are kept", (t) => {
  const messages = ["first", "second", "third"].map((name) => ({
    role: "user",
    content: `${name} ${"x ".repeat(60_000)}`,
  }));
  const kept = keptCall(finished({ messages }), seenTurns());
  t.true(kept?.words.prompt?.isCut);
  t.deepEqual(
    kept?.words.prompt?.turns.map(({ text }) => text.slice(0, 6)),
    ["second", "third "],
  );
  t.true((kept?.summary.promptCharacters ?? 0) <= 200_000);
});

test("whatever a request holds, what is kept of it stays within its bounds", (t) => {
  const body = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(
      fc.constantFrom("messages", "input", "contents", "system", "request", "prompt", "message"),
      fc.oneof(fc.jsonValue(), fc.array(fc.record({ role: fc.jsonValue(), content: fc.jsonValue() }))),
    ),
  );
  fc.assert(
    fc.property(fc.array(body, { maxLength: 4 }), fc.string(), (bodies, answer) => {
      const seen = seenTurns();
      for (const each of bodies) {
        const kept = keptCall(finished(each, answer), seen);
        if (kept === null) t.is(answer, "");
        else t.true(kept.summary.promptCharacters <= 250_000);
      }
    }),
  );
  const deep: unknown = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
  t.notThrows(() => keptCall(finished({ messages: deep }), seenTurns()));
  t.is(keptCall(finished(null), seenTurns()), null);
  t.is(keptCall(finished(null, "yes"), seenTurns())?.words.prompt, null);
});
