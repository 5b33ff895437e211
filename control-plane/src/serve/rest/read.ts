import { z } from "zod";
import { FlowstateError } from "@flowstate/shared/errors";

/** The value in the schema's form. Throws FS_INPUT_INVALID with the first thing that is wrong. */
export function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "the body" : issue.path.join(".");
  throw new FlowstateError("FS_INPUT_INVALID", `${place}: ${issue?.message ?? "is not valid"}`);
}

/** A page of a list: what comes after `cursor`. */
export const pageSchema = z.object({
  cursor: z.string().max(64).default(""),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
