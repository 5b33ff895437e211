import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";

/** `attribute eq value`, by attribute in lower case. Several are joined by `and`. */
export type Filter = ReadonlyMap<string, string>;

/**
 * Reads what identity providers ask with: comparisons with `eq`, joined by `and` (RFC 7644 3.4.2.2). Anything else is
 * refused by name; it never throws.
 */
export function parseFilter(text: string): Parsed<Filter, "invalid_filter"> {
  const filter = new Map<string, string>();
  let rest = text.trim();
  if (rest.length > 500) return refuse("invalid_filter", "a filter has at most 500 characters");
  while (rest !== "") {
    const [whole = "", name = "", operator = "", quoted, bare] =
      /^([A-Za-z][\w.$:-]*)\s+(\w+)(?:\s+(?:"((?:[^"\\]|\\.)*)"|(true|false|\d+)))?(?:\s+and\s+(?=\S)|\s*$)/i.exec(
        rest,
      ) ?? [];
    if (whole === "" || operator.toLowerCase() !== "eq" || (quoted ?? bare) === undefined) {
      return refuse(
        "invalid_filter",
        `"${rest.slice(0, 60)}" is not understood: filters compare with eq, joined by and`,
      );
    }
    filter.set(name.toLowerCase(), bare?.toLowerCase() ?? unescape(quoted ?? ""));
    rest = rest.slice(whole.length);
  }
  return ok(filter);
}

function unescape(quoted: string): string {
  return quoted.replaceAll(/\\(.)/g, "$1");
}
