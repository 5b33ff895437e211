import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { systemCode } from "@flowstate/shared/errors";
import * as v from "valibot";
import { agentPolicy } from "@flowstate/shared/wire/agent-policy";

const keptPolicy = v.object({ etag: v.string(), policy: agentPolicy });

/** The last answer of the control plane, under its tag. */
export type KeptPolicy = v.InferOutput<typeof keptPolicy>;

/** What the agent was last told, from before it was started; null where that is nothing, or not readable. */
export function readKeptPolicy(file: string): KeptPolicy | null {
  try {
    const parsed = v.safeParse(keptPolicy, JSON.parse(readFileSync(file, "utf8")));
    return parsed.success ? parsed.output : null;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Whole or not at all: a device that loses power keeps one of both. */
export function keepPolicy(file: string, kept: KeptPolicy): void {
  const next = `${file}.next`;
  writeFileSync(next, JSON.stringify(kept), { mode: 0o600 });
  renameSync(next, file);
}
