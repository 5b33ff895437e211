import { findSecrets } from "../policy/detectors/secrets.ts";

export interface Masked {
  readonly text: string;
  /** How many secrets stood there. */
  readonly masked: number;
}

/** A text with every secret that the detectors know replaced by its kind; of a private key everything to its end. */
export function maskSecrets(text: string): Masked {
  const findings = findSecrets(readable(text));
  let result = "";
  let end = 0;
  let masked = 0;
  for (const { kind, at, length } of findings) {
    if (at < end) continue;
    result += `${text.slice(end, at)}[${kind}]`;
    end = kind === "private-key" ? endOfPrivateKey(text, at) : at + length;
    masked += 1;
  }
  return { text: result + text.slice(end), masked };
}

/**
 * What a tool is to write stands in an answer as JSON, in which a line ends with two characters of which the second is a
 * letter: a key behind it would look like the end of a word. The length stays, so that places do too.
 */
function readable(text: string): string {
  return text.replaceAll(/\\[nrt]/g, "  ");
}

function endOfPrivateKey(text: string, from: number): number {
  const footer = /-----END (?:[A-Z]{2,12} ){0,2}PRIVATE KEY-----/g;
  footer.lastIndex = from;
  return footer.exec(text) === null ? text.length : footer.lastIndex;
}

export interface Cut {
  readonly text: string;
  readonly isCut: boolean;
}

/** At most `most` characters from the beginning of a text. */
export function cutText(text: string, most: number): Cut {
  return text.length <= most
    ? { text, isCut: false }
    : { text: withoutLastWord(text.slice(0, most)), isCut: true };
}

const longestWord = 4096;

/** A secret of which only the beginning is left looks like none: what a text was cut in goes as a whole. */
export function withoutLastWord(text: string): string {
  const least = Math.max(0, text.length - longestWord);
  let end = text.length;
  while (end > least && !/\s/.test(text[end - 1] ?? "")) end -= 1;
  return text.slice(0, end);
}
