import { join } from "node:path";
import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Config } from "../config.ts";
import { askStatus } from "../local/socket.ts";
import { readKeptPolicy } from "../policy/kept.ts";
import type { PolicyStatus } from "../policy/officer.ts";

/** `flowstate policy`: what the organisation asks of this person's calls, from the daemon, else as it was last told. */
export async function runPolicy(
  { json = false }: { readonly json?: boolean },
  { dataFolder }: Config,
): Promise<void> {
  const kept = readKeptPolicy(join(dataFolder, "policy.json"));
  const status = (await askStatus(dataFolder))?.policy ?? null;
  if (kept === null && status === null) {
    throw new FlowstateError("FS_NOT_FOUND", `no agent has run with the data folder ${dataFolder}`);
  }
  if (json) printJson({ policy: kept?.policy ?? null, status });
  else process.stdout.write(render(kept?.policy ?? null, status));
}

type Policy = NonNullable<ReturnType<typeof readKeptPolicy>>["policy"];

function render(policy: Policy | null, status: PolicyStatus | null): string {
  const version = policy?.version ?? null;
  const settings = policy?.settings ?? null;
  const rules = policy?.rules ?? [];
  const width = Math.max(0, ...rules.map(({ rule }) => rule.name.length));
  const metOf = (name: string): string => {
    const met = status?.met.find(({ rule }) => rule === name);
    return met === undefined ? "" : `  met by ${met.calls} since the start`;
  };
  return [
    version === null ? "No policy is in force." : `Policy ${version}, as of ${policy?.issuedAt ?? "?"}`,
    ...(settings?.enforcement === "observe" && rules.length > 0
      ? ["  The organisation only observes: nothing is blocked."]
      : []),
    ...rules.map(({ rule, spentUsd }) => {
      const spent = spentUsd === null ? "" : `  ${spentUsd} USD spent`;
      const action = typeof rule["action"] === "string" ? rule["action"] : "";
      const where = rule["in"] === "answer" ? " in answers" : "";
      return `  ${action.padEnd(7)}  ${rule.name.padEnd(width)}  ${rule.type}${where}${spent}${metOf(rule.name)}`;
    }),
    ...(status?.notUnderstood ?? []).map((name) => `  not known to this agent: ${name}`),
    ...(status === null ? ["  No agent runs: this is what it was last told."] : []),
    ...(status?.problem == null ? [] : [`  The control plane is not heard: ${status.problem}`]),
    "",
  ].join("\n");
}
