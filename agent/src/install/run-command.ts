import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import type { Command } from "../machine/change.ts";

const execute = promisify(execFile);

/** Runs a command of the system. Rejects with FS_UNAVAILABLE and its own last words where it fails. */
export async function runCommand([program, ...args]: Command, env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await execute(program, args, { env: runsServices(env) ? env : { ...env, SYSTEMD_OFFLINE: "1" } });
  } catch (error) {
    if (systemCode(error) === "ENOENT")
      throw new FlowstateError("FS_UNAVAILABLE", `${program} is not on this machine, and is needed`, {
        cause: error,
      });
    const { stderr = "", message } = error as Error & { readonly stderr?: string };
    const reason = stderr.trim().split("\n").at(-1) ?? "";
    throw new FlowstateError("FS_UNAVAILABLE", `${[program, ...args].join(" ")}: ${reason || message}`, {
      cause: error,
    });
  }
}

/** In an image that is being built no systemd runs (sd_booted(3)): its units are then enabled and not started. */
export function runsServices(env: NodeJS.ProcessEnv): boolean {
  if (process.platform !== "linux") return true;
  return existsSync("/run/systemd/system") && (env["SYSTEMD_OFFLINE"] ?? "") === "";
}
