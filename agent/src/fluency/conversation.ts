/** One turn as the rules see it. */
export interface Turn {
  readonly by: "person" | "assistant";
  /** What a person said, which never leaves the device. No rule reads the assistant's words. */
  readonly text: string;
  /** Files that the assistant changed in this turn. */
  readonly edits: number;
}

/** What a person and an AI tool said to each other, in order. */
export interface Conversation {
  readonly sessionId: string;
  readonly tool: string;
  /** The person's last turn, UTC epoch milliseconds. */
  readonly lastAt: number;
  readonly turns: readonly Turn[];
}

const mostCharacters = 4000;

/**
 * A person's own words in lower case, without accents (`ß` is `ss`) and without `¿` and `¡`: code, addresses, quoted lines
 * and what a tool puts into a turn between tags of its own (`<system-reminder>`) are others' words. Of a long text, which
 * is mostly pasted, only the two ends are read.
 */
export function wordsOf(text: string): string {
  const plain = text
    .slice(0, 5 * mostCharacters)
    .replace(/<([a-z]+[_-][a-z_-]+)>[\s\S]*?(?:<\/\1>|$)/g, " ")
    .replace(/```[\s\S]*?(?:```|$)/g, " ")
    .replace(/^>.*$/gm, " ")
    .replace(/\bhttps?:\/\/\S+/g, " ")
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d\u201e\u00ab\u00bb]/g, '"')
    .replace(/[\u00a1\u00bf]/g, "")
    .toLowerCase()
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replaceAll("ß", "ss")
    .replace(/\s+/g, " ")
    .trim();
  if (plain.length <= mostCharacters) return plain;
  return `${plain.slice(0, mostCharacters / 2)} ${plain.slice(-mostCharacters / 2)}`;
}
