import { unknownTokens, type TokenCounts } from "@flowstate/shared/tokens";
import { standardTerms, type Terms } from "@flowstate/shared/prices/rate";
import type { Fields } from "../../files/json.ts";

/** What the answer to one request has said so far. */
export interface Reading {
  /** The vendor's name of the answer. */
  readonly id: string | null;
  readonly model: string | null;
  readonly tokens: TokenCounts;
  readonly terms: Terms;
  /** The vendor said that the answer is at its end, so that its output count is the last word. */
  readonly stopped: boolean;
  /** Text of the answer, up to a bound: for an estimate where no count comes, and for enterprise mode. */
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
  text: "",
};

const longestText = 200_000;

export function withText(reading: Reading, text: string): Reading {
  if (text === "" || reading.text.length >= longestText) return reading;
  return { ...reading, text: reading.text + text.slice(0, longestText - reading.text.length) };
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
