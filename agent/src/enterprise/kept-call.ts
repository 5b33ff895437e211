import type { FinishedCall } from "../observe/intercept/finished-call.ts";
import { cutText, maskSecrets, withoutLastWord } from "./mask.ts";
import { readPrompt, type Turn } from "./prompt.ts";
import type { SeenTurns } from "./seen-turns.ts";

/** What a list says of a call. */
export interface CallSummary {
  readonly callId: string;
  readonly tool: string;
  readonly provider: string;
  readonly host: string | null;
  readonly model: string | null;
  readonly sessionId: string | null;
  readonly status: number | null;
  readonly promptCharacters: number;
  readonly answerCharacters: number;
  /** Secrets that were masked. */
  readonly masked: number;
  /** Prompt or answer was too large to be kept whole, or the answer broke off. */
  readonly isCut: boolean;
}

/** What was said in a call: of the prompt the part that no earlier call held. */
export interface CallWords {
  /** Null where the request could not be read. */
  readonly prompt: {
    readonly instructions: readonly string[];
    /** Turns that an earlier call of the conversation held. */
    readonly earlierTurns: number;
    readonly turns: readonly Turn[];
    readonly isCut: boolean;
  } | null;
  readonly answer: { readonly text: string; readonly isCut: boolean };
}

/** A call whose words are to be kept, masked and within bounds. */
export interface KeptCall {
  /** UTC epoch milliseconds. */
  readonly occurredAt: number;
  readonly summary: CallSummary;
  readonly words: CallWords;
}

const mostInstructionCharacters = 50_000;
const mostPromptCharacters = 200_000;

/** Null where nothing was said. Never throws. */
export function keptCall(
  { sighting, body, answer, isAnswerCut }: FinishedCall,
  seen: SeenTurns,
): KeptCall | null {
  const { callId, tool, provider, host, model, status, place } = sighting;
  const prompt = readPrompt(body);
  if (prompt === null && answer === "") return null;
  const fresh = prompt === null ? null : seen.fresh(prompt, `${tool} ${place.sessionId ?? ""}`);
  const instructions = bounded(fresh?.instructions ?? [], mostInstructionCharacters);
  // The last turns are what was asked: the first ones go where there are too many.
  const turns = fresh?.turns ?? [];
  const texts = bounded(turns.map(({ text }) => text).toReversed(), mostPromptCharacters);
  const kept = turns.toReversed().flatMap(({ role }, at): Turn[] => {
    const text = texts.texts[at];
    return text === undefined ? [] : [{ role, text }];
  });
  const said = maskSecrets(isAnswerCut ? withoutLastWord(answer) : answer);
  const isPromptCut = instructions.isCut || texts.isCut;
  return {
    occurredAt: place.occurredAt,
    summary: {
      callId,
      tool,
      provider,
      host,
      model,
      sessionId: place.sessionId,
      status,
      promptCharacters: instructions.characters + texts.characters,
      answerCharacters: said.text.length,
      masked: instructions.masked + texts.masked + said.masked,
      isCut: isPromptCut || isAnswerCut,
    },
    words: {
      prompt:
        fresh === null
          ? null
          : {
              instructions: instructions.texts,
              earlierTurns: fresh.earlierTurns,
              turns: kept.toReversed(),
              isCut: isPromptCut,
            },
      answer: { text: said.text, isCut: isAnswerCut },
    },
  };
}

interface Bounded {
  readonly texts: readonly string[];
  readonly characters: number;
  readonly masked: number;
  readonly isCut: boolean;
}

/** Texts up to a sum of characters, each masked; the one that goes beyond is cut and the rest left out. */
function bounded(texts: readonly string[], most: number): Bounded {
  const kept: string[] = [];
  let room = most;
  let masked = 0;
  let isCut = false;
  for (const text of texts) {
    if (isCut) break;
    const cut = cutText(text, room);
    isCut = cut.isCut;
    room -= cut.text.length;
    const without = maskSecrets(cut.text);
    masked += without.masked;
    kept.push(without.text);
  }
  const characters = kept.reduce((sum, text) => sum + text.length, 0);
  return { texts: kept, characters, masked, isCut };
}
