import { readFileSync, statSync } from "node:fs";
import { text } from "node:stream/consumers";
import { systemClock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Parsed } from "@flowstate/shared/parsed";
import type { Config } from "./config.ts";
import type { KeyContext } from "./keys/provision.ts";
import { bootstrap } from "./login/first-start.ts";
import { requireOrg } from "./orgs/orgs.ts";
import { openInstallation, type Installation } from "./secrets/installation.ts";

/** How the operator of the machine stands in the audit log. */
export const actor = "operator";

/** Opens the installation, makes the first organisation where there is none, and changes something in one. */
export async function change<T>(
  config: Config,
  slug: string,
  run: (installation: Installation, context: KeyContext) => Promise<T>,
): Promise<T> {
  await using installation = await openInstallation(config, systemClock);
  await bootstrap(installation.store, config.admin, systemClock);
  const { orgId } = await requireOrg(installation.store.reader, slug);
  const { pepper } = installation.master;
  // Awaited here, because the installation closes when this function returns.
  return await run(installation, { orgId, actor, pepper, now: systemClock.now() });
}

/** The value, or FS_INPUT_INVALID with what the parser says. */
export function required<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new FlowstateError("FS_INPUT_INVALID", parsed.detail);
}

/**
 * What a file holds that nobody else can read, or with `-` standard input. Secrets come this way and never from the
 * command line, which every user of the machine can see.
 */
export async function readPrivate(file: string): Promise<string> {
  if (file === "-") return text(process.stdin);
  const { mode } = statSync(file);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new FlowstateError("FS_INPUT_INVALID", `${file} can be read by others; chmod 600 it first`);
  }
  return readFileSync(file, "utf8");
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
