/** A text in which case makes no difference. What two pieces of a text make, joined, is what the whole makes. */
export function foldCase(text: string): string {
  // Lower case alone depends on what stands around in one place: a final sigma.
  return text.toLowerCase().replaceAll("ς", "σ");
}

/** Looks for phrases in texts that come in pieces. */
export interface PhraseSearch {
  /**
   * Reads a piece on from `state`, which is 0 where a text begins. What has been said in full goes into `found`, folded.
   * Returns the state for the piece after it.
   */
  read(state: number, piece: string, found: Set<string>): number;
}

/**
 * All phrases at once, in time that depends on the text alone and not on how many they are (Aho and Corasick, 1975). A
 * state stands for the longest beginning of a phrase with which what has been read ends.
 */
export function createPhraseSearch(phrases: readonly string[]): PhraseSearch {
  const wanted = new Set(phrases.map(foldCase));
  const { step, ends, shorter, phraseAt } = buildStates(wanted);
  return {
    read(from, piece, found) {
      if (found.size === wanted.size) return 0;
      const text = foldCase(piece);
      let state = from;
      for (let at = 0; at < text.length; at += 1) {
        state = step(state, text.charCodeAt(at));
        // The shorter phrases with which a phrase ends were found together with it the first time.
        for (let end = ends[state] ?? 0; end !== 0; end = ends[shorter[end] ?? 0] ?? 0) {
          const phrase = phraseAt[end] ?? "";
          if (found.has(phrase)) break;
          found.add(phrase);
        }
      }
      return state;
    },
  };
}

/** Code units of UTF-16. */
const codes = 0x1_0000;

interface States {
  /** The state after one more code unit. */
  readonly step: (from: number, code: number) => number;
  /** For each state: the next shorter beginning with which it ends. */
  readonly shorter: readonly number[];
  /** For each state: the longest phrase with which it ends, as that phrase's state; 0 for none. */
  readonly ends: readonly number[];
  /** For each state: the phrase that it is; empty where it is only a beginning. */
  readonly phraseAt: readonly string[];
}

/** States are made by length, so that every shorter one is there before it is linked to. */
function buildStates(phrases: ReadonlySet<string>): States {
  const first = new Uint32Array(codes);
  const edges = new Map<number, number>();
  const shorter = [0];
  const phraseAt = [""];
  const step = (from: number, code: number): number => {
    for (let state = from; state !== 0; state = shorter[state] ?? 0) {
      const next = edges.get(state * codes + code);
      if (next !== undefined) return next;
    }
    return first[code] ?? 0;
  };
  const grow = (state: number, code: number): number => {
    const known = state === 0 ? first[code] : edges.get(state * codes + code);
    if (known !== undefined && known !== 0) return known;
    const made = phraseAt.push("") - 1;
    shorter.push(state === 0 ? 0 : step(shorter[state] ?? 0, code));
    if (state === 0) first[code] = made;
    else edges.set(state * codes + code, made);
    return made;
  };
  let growing = Array.from(phrases, (phrase) => ({ phrase, state: 0 }));
  for (let length = 0; growing.length > 0; length += 1) {
    growing = growing.map(({ phrase, state }) => ({
      phrase,
      state: grow(state, phrase.charCodeAt(length)),
    }));
    for (const { phrase, state } of growing) if (phrase.length === length + 1) phraseAt[state] = phrase;
    growing = growing.filter(({ phrase }) => phrase.length > length + 1);
  }
  const ends: number[] = [];
  for (const [state, phrase] of phraseAt.entries()) {
    ends.push(phrase === "" ? (ends[shorter[state] ?? 0] ?? 0) : state);
  }
  return { step, shorter, ends, phraseAt };
}
