import { fields, items } from "../observe/files/json.ts";
import { textsOf } from "../observe/intercept/texts.ts";

/** One message of a prompt. */
export interface Turn {
  /** As the API names it, such as user, assistant, model or function_call_output. */
  readonly role: string;
  readonly text: string;
}

/** What a request says, whatever its API. Descriptions of tools, pictures and sound are no part of it. */
export interface Prompt {
  readonly instructions: readonly string[];
  readonly turns: readonly Turn[];
}

const instructionFields = ["system", "instructions", "systemInstruction", "system_instruction", "preamble"];
/** In the order in which they are said where an API has several of them. */
const turnFields = [
  "chat_history",
  "messages",
  "contents",
  "input",
  "inputText",
  "prompt",
  "message",
  "texts",
  "query",
  "documents",
];

/** A conversation beyond this is read from its end. */
const mostTurns = 5000;

/** Null for a body that is no JSON object. Never throws. */
export function readPrompt(body: unknown): Prompt | null {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return null;
  const outer = fields(body);
  // Code Assist wraps the request of Gemini.
  const request = "request" in outer ? fields(outer["request"]) : outer;
  return {
    instructions: instructionFields.flatMap((field) => textsOf(request[field])),
    turns: turnFields
      .flatMap((field) => messagesOf(request[field]))
      .slice(-mostTurns)
      .map(turnOf)
      .filter(({ text }) => text !== ""),
  };
}

function messagesOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? items(value) : [value];
}

function turnOf(message: unknown): Turn {
  const { role, type } = fields(message);
  return { role: roleOf(role) ?? roleOf(type) ?? "user", text: textsOf(message).join("\n") };
}

function roleOf(value: unknown): string | null {
  return typeof value === "string" && /^[a-z_-]{1,40}$/i.test(value) ? value : null;
}
