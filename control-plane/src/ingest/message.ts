import * as v from "valibot";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";

/** What a stranger sent, in the schema's form, or the first thing that is wrong with it. Never throws. */
export function readMessage<const Schema extends v.GenericSchema>(
  schema: Schema,
  given: unknown,
): Parsed<v.InferOutput<Schema>, "wrong_shape"> {
  const parsed = v.safeParse(schema, given, { abortEarly: true, message: saidOf });
  return parsed.success ? ok(parsed.output) : refuse("wrong_shape", sentenceOf(parsed.issues[0]));
}

type Issue = v.BaseIssue<unknown>;

/** Where it is wrong, and what is expected there. */
function sentenceOf({ path: given, expected, message }: Issue): string {
  const path = given ?? [];
  const last = path.at(-1);
  if (last?.type === "object" && Array.isArray(last.input)) {
    return `${placeOf(path.slice(0, -1))}: Invalid input: expected object, received array`;
  }
  if (last?.type === "object" && last.origin === "key") {
    return expected === "never"
      ? `${placeOf(path.slice(0, -1))}: Unrecognized key: "${last.key.slice(0, 40)}"`
      : `${placeOf(path)}: is missing`;
  }
  return `${placeOf(path)}: ${message}`;
}

function placeOf(path: readonly v.IssuePathItem[]): string {
  return path.length === 0 ? "the value" : path.map(({ key }) => String(key)).join(".");
}

/** valibot's own words repeat what was sent; these stand in logs. */
function saidOf({ type, expected, input }: Issue): string {
  switch (type) {
    case "min_value":
      return `Too small: expected number to be ${expected}`;
    case "max_value":
      return `Too big: expected number to be ${expected}`;
    case "min_code_points":
      return `Too small: expected string to have ${expected} characters`;
    case "max_code_points":
      return `Too big: expected string to have ${expected} characters`;
    case "max_length":
      return `Too big: expected array to have ${expected} items`;
    case "regex":
      return `Invalid string: must match pattern ${expected}`;
    case "literal":
      return `Invalid input: expected ${expected}`;
    case "picklist":
      return `Invalid option: expected one of ${expected}`;
    case "safe_integer":
      return "Invalid input: expected int, received number";
    default:
      return `Invalid input: expected ${kinds[String(expected)] ?? expected}, received ${kindOf(input)}`;
  }
}

const kinds: Readonly<Record<string, string>> = { Array: "array", Object: "object" };

function kindOf(input: unknown): string {
  if (input === null) return "null";
  return Array.isArray(input) ? "array" : typeof input;
}
