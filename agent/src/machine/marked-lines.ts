const begin = "# >>> flowstate >>>\n";
/** Begins after a line that had no end of its own, so that taking our lines away takes its new end away too. */
const beginAfterOpenLine = "\n# >>> flowstate, after an open line >>>\n";
const end = "# <<< flowstate <<<\n";

/** A text with our lines at its end, marked; ours from before are replaced. Everything else stays as it was. */
export function withMarkedLines(text: string, lines: string): string {
  const rest = withoutMarkedLines(text);
  return `${rest}${rest === "" || rest.endsWith("\n") ? begin : beginAfterOpenLine}${lines}${end}`;
}

/** The text without our lines, wherever they were moved to: to the byte what it was before they came. */
export function withoutMarkedLines(text: string): string {
  const open = text.indexOf(beginAfterOpenLine);
  const from = open >= 0 ? open : text.indexOf(begin);
  const to = text.indexOf(end, from);
  return from < 0 || to < 0 ? text : text.slice(0, from) + text.slice(to + end.length);
}
