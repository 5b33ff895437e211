import { readCount } from "@flowstate/shared/tokens";
import { fields, items, name, type Fields } from "../../files/json.ts";
import type { OpenCall, SocketCall } from "./calls.ts";
import type { Dialect } from "./dialect.ts";

/** More of them between two answers are no conversation. */
const mostContents = 1000;

/**
 * Gemini Live: a session that is set up with the first message. Usage stands in a message of its own or beside another
 * one, once for each answer of the model, also of those between which a tool is called; an answer is charged for the
 * whole context before it. A count of the same prompt that comes again before the turn ends is the same answer, told
 * anew.
 */
export function liveDialect(open: OpenCall, now: () => number): Dialect {
  let model: string | null = null;
  let systemInstruction: unknown = null;
  let contents: unknown[] = [];
  let askedAt: number | null = null;
  let call: SocketCall | null = null;
  /** The prompt of the answer at hand, once it was counted. */
  let countedPrompt: number | null = null;
  /** The model has said all, and what it is charged for has not come yet. */
  let awaitsUsage = false;

  const begin = (): SocketCall => {
    const body = { model, systemInstruction, contents };
    call = open({ at: askedAt ?? now(), model, body });
    contents = [];
    askedAt = null;
    return call;
  };
  const finish = (isWhole: boolean): void => {
    call?.finish(isWhole);
    call = null;
    countedPrompt = null;
    awaitsUsage = false;
  };

  return {
    asks(message) {
      const { realtimeInput, ...more } = camelCased(message);
      if ("setup" in more) return { model: modelOf(fields(more["setup"])), body: more };
      const isSound = !("text" in fields(realtimeInput)) && Object.keys(more).length === 0;
      return isSound ? null : { model, body: message };
    },
    client(given) {
      const message = camelCased(given);
      if ("setup" in message) {
        const setup = fields(message["setup"]);
        model = modelOf(setup);
        systemInstruction = camelCased(setup)["systemInstruction"] ?? null;
      }
      const said = contentsOf(message);
      if (said.length === 0) return;
      if (awaitsUsage) finish(true);
      contents = [...contents, ...said].slice(-mostContents);
      askedAt ??= now();
    },
    server(message) {
      const content = fields(message["serverContent"]);
      const isUsage = "usageMetadata" in message;
      const isSaid = saidFields.some((field) => field in content || field in message);
      if (isSaid && awaitsUsage) finish(true);
      if (call === null && !isUsage && !isSaid) return;
      const prompt = readCount(fields(message["usageMetadata"])["promptTokenCount"]) ?? 0;
      if (isUsage && countedPrompt !== null && countedPrompt !== prompt) finish(true);
      const current = call ?? begin();
      current.take(message);
      if (isUsage) countedPrompt = prompt;
      const isOver = awaitsUsage || content["turnComplete"] === true;
      if (isOver && countedPrompt !== null) finish(true);
      else awaitsUsage = isOver;
    },
    end: () => finish(awaitsUsage),
  };
}

/** Where an answer of the model stands, in the content or beside it. */
const saidFields = ["modelTurn", "outputTranscription", "toolCall"];

/** `models/…` and `projects/…/models/…`; their last part is the model. */
function modelOf({ model }: Fields): string | null {
  return name(typeof model === "string" ? model.slice(model.lastIndexOf("/") + 1) : null);
}

/** Google reads the names of fields in both spellings: `client_content` too. */
function camelCased(message: Fields): Fields {
  return Object.fromEntries(
    Object.entries(message).map(([field, value]) => [
      field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

/** What a message of the client says in words, or as the results of tools. */
function contentsOf(message: Fields): readonly unknown[] {
  const typed = fields(message["realtimeInput"])["text"];
  const results = items(camelCased(fields(message["toolResponse"]))["functionResponses"]);
  return [
    ...items(fields(message["clientContent"])["turns"]),
    ...(typeof typed === "string" ? [{ role: "user", parts: [{ text: typed }] }] : []),
    ...(results.length > 0 ? [{ role: "user", parts: results }] : []),
  ];
}
