import * as jsonc from "jsonc-parser";

/** A value of ours in somebody else's JSON file, under one name or two. */
export interface JsonValue {
  readonly keys: readonly [string] | readonly [string, string];
  readonly value: string | number | boolean;
}

/** Values that were not there before us, as they were written. */
export interface Insertion {
  readonly text: string;
  readonly values: readonly JsonValue[];
  /** The object around them came with them. */
  readonly withParent: boolean;
}

/**
 * What has to be inserted so that a text holds all the values. Null where one of them is there as something else, or
 * where the text is no JSON object (comments and trailing commas are taken): a person's own choice stands, as a whole.
 */
export function missingValues(text: string, values: readonly JsonValue[]): readonly Insertion[] | null {
  const tree = parse(text);
  if (tree === null) return null;
  const missing: JsonValue[] = [];
  for (const each of values) {
    const parent = parentOf(tree, each);
    if (parent !== null && parent.type !== "object") return null;
    const found = jsonc.findNodeAtLocation(tree, [...each.keys]);
    if (found === undefined) missing.push(each);
    else if (jsonc.getNodeValue(found) !== each.value) return null;
  }
  const groups = Map.groupBy(missing, ({ keys }) => (keys.length === 1 ? "" : keys[0]));
  let edited = text;
  return [...groups.values()].map((group) => {
    const insertion = insertionOf(edited, parse(edited) ?? tree, group);
    edited = withValues(edited, [insertion]);
    return insertion;
  });
}

/** The text with values inserted. Everything else in it stays as it is, comments and layout too. */
export function withValues(text: string, insertions: readonly Insertion[]): string {
  return insertions.reduce((edited, { text: inserted, values: [first], withParent }) => {
    const tree = parse(edited);
    if (tree === null || first === undefined) return edited;
    const object = withParent ? tree : (parentOf(tree, first) ?? tree);
    const last = object.children?.at(-1);
    const at = last === undefined ? object.offset + 1 : last.offset + last.length;
    return edited.slice(0, at) + inserted + edited.slice(at);
  }, text);
}

/**
 * The text without what was inserted: to the byte what it was, where nobody has touched that place since; else without
 * the values, as far as they are still ours.
 */
export function withoutValues(text: string, insertions: readonly Insertion[]): string {
  return insertions.reduceRight((edited, { text: inserted, values, withParent }) => {
    const at = edited.indexOf(inserted);
    const cut = edited.slice(0, at) + edited.slice(at + inserted.length);
    const intact = at >= 0 && parse(cut) !== null && edited.indexOf(inserted, at + 1) < 0;
    return intact ? cut : values.reduce((rest, value) => withoutValue(rest, value, withParent), edited);
  }, text);
}

function withoutValue(text: string, { keys, value }: JsonValue, withParent: boolean): string {
  const tree = parse(text);
  const found = tree === null ? undefined : jsonc.findNodeAtLocation(tree, [...keys]);
  if (found === undefined || jsonc.getNodeValue(found) !== value) return text;
  const alone = withParent && found.parent?.parent?.children?.length === 1;
  const edits = jsonc.modify(text, alone ? [keys[0]] : [...keys], undefined, layoutOf(text));
  return jsonc.applyEdits(text, edits);
}

/** How what stands around a value that goes is laid out; one line stays one line. */
function layoutOf(text: string): jsonc.ModificationOptions {
  if (!text.includes("\n")) return {};
  const indent = indentOf(text);
  const insertSpaces = !indent.startsWith("\t");
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  return { formattingOptions: { insertSpaces, tabSize: insertSpaces ? indent.length : 1, eol } };
}

function indentOf(text: string): string {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
}

/** Values of one parent, as they are to stand after what is in it already. */
function insertionOf(text: string, tree: jsonc.Node, values: readonly JsonValue[]): Insertion {
  const [first] = values;
  const parent = first === undefined ? tree : parentOf(tree, first);
  const own = Object.fromEntries(values.map(({ keys, value }) => [keys.at(-1) ?? "", value]));
  const members = parent === null ? { [first?.keys[0] ?? ""]: own } : own;
  const object = parent ?? tree;
  const indent = indentOf(text);
  const margin = object === tree ? "" : indent;
  const lines = JSON.stringify(members, null, indent).split("\n").slice(1, -1);
  const body = lines.map((line) => `\n${margin}${line}`).join("");
  const empty = (object.children ?? []).length === 0;
  const closed = /^\{\s*\n/.test(text.slice(object.offset)) ? "" : `\n${margin}`;
  const inserted = empty ? `${body}${closed}` : `,${body}`;
  return {
    text: text.includes("\r\n") ? inserted.replaceAll("\n", "\r\n") : inserted,
    values,
    withParent: parent === null,
  };
}

/** Null where there is none yet. */
function parentOf(tree: jsonc.Node, { keys }: JsonValue): jsonc.Node | null {
  return keys.length === 1 ? tree : (jsonc.findNodeAtLocation(tree, [keys[0]]) ?? null);
}

function parse(text: string): jsonc.Node | null {
  const errors: jsonc.ParseError[] = [];
  const tree = jsonc.parseTree(text, errors, { allowTrailingComma: true });
  return tree?.type === "object" && errors.length === 0 ? tree : null;
}
