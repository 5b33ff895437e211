import { reportFindings } from "@flowstate/shared/findings";
import { diagnose } from "../doctor/diagnose.ts";
import type { SettingsSource } from "../machine/managed-settings.ts";

/** `flowstate doctor`: every step of a call's way, proved, a line each. */
export async function runDoctor(env: NodeJS.ProcessEnv, sources: readonly SettingsSource[]): Promise<void> {
  reportFindings(await diagnose(env, sources));
}
