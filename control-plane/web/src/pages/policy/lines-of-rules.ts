const tokens = /"(?:[^"\\]|\\.)*"|[[\]{},\n]|[^\s"[\]{},:]+/g;

/** The line, from 1, on which each rule of a policy's text begins; none where there are no rules to be found. */
function linesOfRules(document: string): readonly number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let member = "";
  let inRules = false;
  let expected = false;
  for (const [token] of document.matchAll(tokens)) {
    if (token === "\n") {
      line += 1;
      continue;
    }
    if (inRules && depth === 2 && expected && token !== "]") {
      lines.push(line);
      expected = false;
    }
    if (token === "{" || token === "[") {
      if (depth === 1) inRules = token === "[" && member === '"rules"';
      if (depth === 1 && inRules) expected = true;
      depth += 1;
    } else if (token === "}" || token === "]") {
      depth -= 1;
    } else if (token === "," && depth === 2) {
      expected = true;
    } else if (depth === 1 && token.startsWith('"')) {
      member = token;
    }
  }
  return lines;
}

/** The line that a fault is about: its rule's, or the one that the parser stopped at. Null where it is about the whole. */
export function lineOfFault(document: string, fault: string): number | null {
  const rule = /^rule (\d+)\b/.exec(fault)?.[1];
  if (rule !== undefined) return linesOfRules(document)[Number(rule) - 1] ?? null;
  const line = /\(line (\d+) column \d+\)/.exec(fault)?.[1];
  if (line !== undefined) return Number(line);
  return fault.includes("end of JSON input") ? document.split("\n").length : null;
}
