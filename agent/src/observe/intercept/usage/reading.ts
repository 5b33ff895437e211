import { unknownTokens, type TokenCounts } from "@flowstate/shared/tokens";
import { standardTerms, type Terms } from "@flowstate/shared/prices/rate";
import { fields, type Fields } from "../../files/json.ts";

/** What the answer to one request has said so far. */
export interface Reading {
  /** The vendor's name of the answer. */
  readonly id: string | null;
  readonly model: string | null;
  readonly tokens: TokenCounts;
  readonly terms: Terms;
  /** The vendor said that the answer is at its end, so that its output count is the last word. */
  readonly stopped: boolean;
  /** The answer says that it failed, which may come after a status of success. */
  readonly failed: boolean;
  /** Text of the answer, up to a bound: for an estimate where no count comes, and for enterprise mode. */
  readonly text: string;
  /** What the documents since the last listening have said, whatever the bound. */
  readonly said: readonly Said[];
}

/** A piece of an answer's text. Those of one part follow each other; parts, such as choices and tools, may be mixed. */
export interface Said {
  readonly part: string;
  readonly text: string;
}

/** Takes in one JSON document of an answer: the whole of it, or one event of a stream. Never throws. */
export type Fold = (reading: Reading, document: Fields) => Reading;

export const emptyReading: Reading = {
  id: null,
  model: null,
  tokens: unknownTokens,
  terms: standardTerms,
  stopped: false,
  failed: false,
  text: "",
  said: [],
};

/** Takes in the documents of one answer as they come. */
export interface Gathering {
  readonly reading: Reading;
  take(document: unknown): void;
  /** The vendor will say no more. */
  stop(): void;
  fail(): void;
}

/** `hear` is told each piece of text as it comes. */
export function gather(fold: Fold, hear: ((said: readonly Said[]) => void) | null): Gathering {
  let reading = emptyReading;
  return {
    get reading() {
      return reading;
    },
    take(document) {
      const given = fields(document);
      const { said, ...rest } = fold(reading, given);
      reading = { ...rest, said: [], failed: rest.failed || isFailure(given) };
      hear?.(said);
    },
    stop: () => void (reading = { ...reading, stopped: true }),
    fail: () => void (reading = { ...reading, failed: true }),
  };
}

const longestText = 200_000;

export function withSaid(reading: Reading, pieces: readonly Said[]): Reading {
  const said = pieces.filter(({ text }) => text !== "");
  if (said.length === 0) return reading;
  const room = longestText - reading.text.length;
  const more =
    room <= 0
      ? ""
      : said
          .map(({ text }) => text)
          .join("")
          .slice(0, room);
  return { ...reading, text: reading.text + more, said: [...reading.said, ...said] };
}

/** Every API has one of these forms for a failure in the middle of a stream. */
function isFailure({ type, error }: Fields): boolean {
  return type === "error" || type === "response.failed" || (typeof error === "object" && error !== null);
}

/** Whether the answer may have had more text than is read. */
export function isTextCut(reading: Reading): boolean {
  return reading.text.length >= longestText;
}

/** Counts that are known replace those from before; what is not said stays. */
export function withTokens(reading: Reading, fresh: Partial<TokenCounts>): Reading {
  const known = Object.fromEntries(Object.entries(fresh).filter(([, count]) => count !== null));
  return { ...reading, tokens: { ...reading.tokens, ...known } };
}

/** Notes whether sound was among the tokens; unknown counts are none. */
export function withSound(reading: Reading, ...counts: readonly (number | null)[]): Reading {
  const hasSound = counts.some((count) => (count ?? 0) > 0);
  return hasSound ? { ...reading, terms: { ...reading.terms, modality: "audio" } } : reading;
}

/** A place in a list, as an answer names it; `otherwise` where it names none. */
export function place(value: unknown, otherwise = 0): number {
  return typeof value === "number" ? value : otherwise;
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A whole without its parts; unknown parts are none, an unknown whole stays unknown. */
export function without(whole: number | null, ...parts: readonly (number | null)[]): number | null {
  if (whole === null) return null;
  return Math.max(
    0,
    parts.reduce<number>((rest, part) => rest - (part ?? 0), whole),
  );
}

/** Null where none of them is known. */
export function sum(...parts: readonly (number | null)[]): number | null {
  const known = parts.filter((part) => part !== null);
  return known.length === 0 ? null : known.reduce((all, part) => all + part, 0);
}
