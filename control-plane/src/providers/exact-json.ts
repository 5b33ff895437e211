import { z } from "zod";
import { parseDecimal } from "@flowstate/shared/money";
import type { Parsed } from "@flowstate/shared/parsed";
import { vendorError } from "./failure.ts";

/**
 * Parses JSON with every number as the text it was written in, so that money never passes through a float and a vendor
 * may write an amount as number or as text. Throws SyntaxError.
 */
export function parseExactJson(text: string): unknown {
  return (JSON.parse as ParseWithSource)(text, (_, value, context) =>
    typeof value === "number" ? (context?.source ?? String(value)) : value,
  );
}

/** The type library does not know the third argument (ECMA-262 2026, JSON.parse source text access). */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
) => unknown;

/** Fields of a vendor's answer that came through `parseExactJson`. */
export const field = {
  text: z.string(),
  /** A decimal number, as exact text. */
  decimal: z.string().refine((text) => parseDecimal(text, 0).ok, "expected a decimal number"),
  /** A whole number of 0 or more, such as a count of tokens; some vendors write it as 12.0. */
  count: z
    .string()
    .regex(/^\d{1,18}(?:\.0+)?$/, "expected a whole number")
    .transform((text) => BigInt(text.split(".")[0] ?? text)),
  /** Epoch time in the vendor's unit. */
  epoch: z
    .string()
    .regex(/^\d{1,15}$/, "expected an epoch time")
    .transform(Number),
} as const;

/** The first fault of an answer, as the path to the field and what was expected there. */
export function firstFault(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "unknown";
  const path = issue.path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("");
  return `${path.replace(/^\./, "") || "the answer"}: ${issue.message}`;
}

/** Reads an answer whose status decided how. Throws FS_UPSTREAM where it is not of the schema's form. */
export function readAnswer<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  vendor: string,
  path: string,
): z.output<Schema> {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    throw vendorError("changed", `${vendor} answered something else than JSON (${path})`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw vendorError("changed", `${vendor} changed its answer: ${firstFault(parsed.error)} (${path})`);
}

/** The value of a field that the schema let through and that means nothing all the same. Throws FS_UPSTREAM. */
export function required<T>(parsed: Parsed<T>, vendor: string, path: string): T {
  if (parsed.ok) return parsed.value;
  throw vendorError("changed", `${vendor} changed its answer: ${parsed.detail} (${path})`);
}
