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
 * A person's own words in lower case: code, addresses, quoted lines and what a tool puts into a turn between tags of its
 * own (`<system-reminder>`) are others' words. Of a long text, which is mostly pasted, only the two ends are read.
 */
export function wordsOf(text: string): string {
  const plain = text
    .slice(0, 5 * mostCharacters)
    .replace(/<([a-z]+[_-][a-z_-]+)>[\s\S]*?(?:<\/\1>|$)/g, " ")
    .replace(/```[\s\S]*?(?:```|$)/g, " ")
    .replace(/^>.*$/gm, " ")
    .replace(/\bhttps?:\/\/\S+/g, " ")
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d\u201e]/g, '"')
    .replace(/\s+/g, " ")
    .trim()
    .toLowerCase();
  if (plain.length <= mostCharacters) return plain;
  return `${plain.slice(0, mostCharacters / 2)} ${plain.slice(-mostCharacters / 2)}`;
}

const functionWords = new Set(
  (
    "the a an and or but of to in on for with from by at as is are was were be been it its this that these those i you we they he she " +
    "my your our me us them do does did not no can could should would will have has had what which who when where why how if so than then there"
  ).split(" "),
);

const fewestWords = 16;
const leastShare = 0.15;

/** Whether the rules, which are about English, can say anything. A few words are given the benefit of the doubt. */
export function readsEnglish(words: readonly string[]): boolean {
  const all = words.flatMap((text) => text.match(/\p{L}[\p{L}']*/gu) ?? []);
  if (all.length < fewestWords) return true;
  return all.filter((word) => functionWords.has(word)).length >= leastShare * all.length;
}
