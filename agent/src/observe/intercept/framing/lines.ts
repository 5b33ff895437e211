import { StringDecoder } from "node:string_decoder";

/** Takes bytes of one stream in pieces of any size. */
export interface ByteSink {
  write(chunk: Buffer): void;
  /** The stream is over, in good order or not. */
  end(): void;
}

/** Longer lines are passed over; the largest events that carry usage hold a whole answer with images in it. */
export const longestLine = 16 << 20;

/**
 * Text lines of a byte stream, whatever ends them: LF, CRLF or CR, also across chunks and inside a UTF-8 character. A
 * line beyond `longest` characters is passed as null. What stands after the last line end is passed at the end.
 */
export function lineSplitter(onLine: (line: string | null) => void, longest = longestLine): ByteSink {
  const decoder = new StringDecoder("utf8");
  let held = "";
  let isTooLong = false;
  let skipLineFeed = false;
  let isFirst = true;

  const take = (text: string): void => {
    if (isTooLong) return;
    held += text;
    if (held.length <= longest) return;
    isTooLong = true;
    held = "";
  };
  const finish = (): void => {
    const line = isTooLong ? null : held;
    held = "";
    isTooLong = false;
    onLine(line);
  };
  const split = (text: string): void => {
    let start = skipLineFeed && text.startsWith("\n") ? 1 : 0;
    if (text !== "") skipLineFeed = false;
    for (const { 0: mark, index } of text.matchAll(/\r\n|\r|\n/g)) {
      if (index < start) continue;
      take(text.slice(start, index));
      finish();
      start = index + mark.length;
      skipLineFeed = mark === "\r" && start === text.length;
    }
    take(text.slice(start));
  };
  const withoutMark = (text: string): string => {
    if (text === "" || !isFirst) return text;
    isFirst = false;
    return text.startsWith("\uFEFF") ? text.slice(1) : text;
  };

  return {
    write: (chunk) => split(withoutMark(decoder.write(chunk))),
    end() {
      split(withoutMark(decoder.end()));
      if (held !== "" || isTooLong) finish();
    },
  };
}
