import { lineSplitter, longestLine, type ByteSink } from "./lines.ts";

/**
 * The data of each server-sent event (WHATWG HTML 9.2.6), several `data` lines joined by LF. Unlike a browser it also
 * passes the last event of a stream that broke off before the blank line, for that one may hold the usage. An event
 * beyond `longest` characters is passed over.
 */
export function serverSentEvents(onData: (data: string) => void, longest = longestLine): ByteSink {
  let data: string | null = null;
  let isTooLong = false;

  const dispatch = (): void => {
    if (data !== null && !isTooLong) onData(data);
    data = null;
    isTooLong = false;
  };
  const onLine = (line: string | null): void => {
    if (line === "") return dispatch();
    if (line === null) isTooLong = true;
    else if (line === "data" || line.startsWith("data:")) {
      const value = line.slice(line[5] === " " ? 6 : 5);
      data = data === null ? value : `${data}\n${value}`;
      if (data.length > longest) {
        isTooLong = true;
        data = "";
      }
    }
  };
  const lines = lineSplitter(onLine, longest);
  return {
    write: lines.write,
    end() {
      lines.end();
      dispatch();
    },
  };
}
