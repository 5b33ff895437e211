import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { posix, win32 } from "node:path";
import { systemCode } from "@flowstate/shared/errors";
import { parseRegistryQuery, parseSettingsFile, type Settings } from "./settings-file.ts";
import { system32 } from "./system32.ts";

/** A place that `flowstate install` or an administrator has put settings into. */
export interface SettingsSource {
  /** Path of the file, or key of the registry. */
  readonly place: string;
  readonly settings: Settings;
  /** It is there and belongs to somebody else. */
  readonly closed: boolean;
}

export const machineSettingsFile = "/etc/flowstate.env";
const registryKey = String.raw`HKLM\SOFTWARE\Flowstate\Agent`;

/** Settings of one person's own installation. */
export function personalSettingsFile(home: string, platform: NodeJS.Platform = process.platform): string {
  return (platform === "win32" ? win32 : posix).join(home, ".flowstate", "flowstate.env");
}

/** What tells programs on Windows whose profile they are to read. */
export function profileOf(home: string): Readonly<Record<string, string>> {
  return { USERPROFILE: home, APPDATA: win32.join(home, "AppData", "Roaming") };
}

/** What is configured besides the environment, the weakest first: the machine's, then the person's own. */
export function managedSettings(
  home: string,
  { platform = process.platform, machineFile = machineSettingsFile } = {},
): readonly SettingsSource[] {
  const machine = platform === "win32" ? readRegistry() : readSource(machineFile);
  return [machine, readSource(personalSettingsFile(home))].filter((source) => source !== null);
}

/** The environment over the managed settings. An empty variable counts as unset. */
export function withManaged(env: NodeJS.ProcessEnv, sources: readonly SettingsSource[]): NodeJS.ProcessEnv {
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value !== "");
  return Object.assign(
    {},
    ...sources.map(({ settings }) => settings),
    Object.fromEntries(given),
  ) as NodeJS.ProcessEnv;
}

/** Null where there is none. */
function readSource(place: string): SettingsSource | null {
  try {
    return { place, settings: parseSettingsFile(readFileSync(place, "utf8")), closed: false };
  } catch (error) {
    return systemCode(error) === "EACCES" ? { place, settings: {}, closed: true } : null;
  }
}

function readRegistry(): SettingsSource | null {
  try {
    const printed = execFileSync(system32("reg.exe"), ["query", registryKey], {
      encoding: "utf8",
      stdio: "pipe",
    });
    return { place: registryKey, settings: parseRegistryQuery(printed), closed: false };
  } catch {
    return null;
  }
}
