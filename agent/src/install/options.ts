import { loadConfig } from "@flowstate/shared/config/load";
import { FlowstateError } from "@flowstate/shared/errors";
import { parseReleaseKey } from "@flowstate/shared/release-signature";
import { daemonSettings, installSettings, readDaemonConfig, type DaemonConfig } from "../daemon-config.ts";
import type { Settings } from "../machine/settings-file.ts";
import type { Platform, Scope } from "./plan.ts";

export interface InstallFlags {
  readonly key?: string;
  readonly user?: string;
  readonly host?: string;
  readonly controlPlane?: string;
  /** `enterprise` makes the device able to hear what is said in calls; the organisation alone decides whether it is kept. */
  readonly mode?: string;
  /** The public key that releases are signed with. */
  readonly releaseKey?: string;
  readonly scope?: string;
  readonly runAs?: string;
  /** False leaves shells, desktops and the settings of tools alone. */
  readonly tools: boolean;
  /** False leaves the system's trust store alone. */
  readonly trust: boolean;
}

/**
 * What is to be stored: the values of an earlier installation, over them what the environment sets, over these the
 * flags. Throws FS_INPUT_INVALID.
 */
export function settingsToStore(flags: InstallFlags, env: NodeJS.ProcessEnv, stored: Settings): Settings {
  const { mode = "telemetry" } = flags;
  if (mode !== "telemetry" && mode !== "enterprise")
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `--mode ${mode.slice(0, 40)}: it takes telemetry or enterprise`,
    );
  const given = Object.values(daemonSettings).flatMap(({ env: name }): [string, string][] => {
    const value = env[name] ?? "";
    return value === "" ? [] : [[name, value]];
  });
  const before: Settings = { ...stored, ...Object.fromEntries(given) };
  return {
    ...before,
    ...(mode === "enterprise" ? hearing(before["FLOWSTATE_CAPTURE"] ?? "") : {}),
    ...present("FLOWSTATE_OTLP_KEY", flags.key),
    ...present("FLOWSTATE_USER", flags.user),
    ...present("FLOWSTATE_CLOUD_PROXY", flags.host === undefined ? undefined : withScheme(flags.host)),
    ...present("FLOWSTATE_CONTROL_PLANE", flags.controlPlane),
  };
}

/** What is captured, with interception, which alone hears what is said. */
function hearing(captures: string): Settings {
  const names = (captures || (daemonSettings.capture.fallback ?? "")).split(",").map((name) => name.trim());
  return { FLOWSTATE_CAPTURE: [...new Set([...names, "relay", "intercept"])].join(",") };
}

function present(name: string, value: string | undefined): Settings {
  return value === undefined ? {} : { [name]: value };
}

function withScheme(host: string): string {
  return /^https?:\/\//.test(host) ? host : `https://${host}`;
}

/**
 * The public release key to be stored: the flag, else the environment, else the one of an earlier installation; null for
 * none. Throws FS_CONFIG_INVALID for what is no such key.
 */
export function releaseKeyToStore(
  flags: InstallFlags,
  env: NodeJS.ProcessEnv,
  stored: string | null,
): string | null {
  const given = flags.releaseKey ?? loadConfig(installSettings, env).releaseKey ?? stored;
  if (given === null) return null;
  const parsed = parseReleaseKey(given);
  if (parsed.ok) return parsed.value.text;
  throw new FlowstateError("FS_CONFIG_INVALID", `${installSettings.releaseKey.env}: ${parsed.detail}`);
}

/** The settings as the daemon will read them. Throws FS_CONFIG_INVALID, by name, for what it would not start with. */
export function checkSettings(settings: Settings, home: string): DaemonConfig {
  const line = Object.entries(settings).find(([, value]) => /\p{Cc}/u.test(value));
  if (line !== undefined)
    throw new FlowstateError("FS_CONFIG_INVALID", `${line[0]}: it takes one line without control characters`);
  return readDaemonConfig({ ...settings }, home);
}

export function parsePlatform(platform: string): Platform {
  if (platform === "linux" || platform === "darwin" || platform === "win32") return platform;
  throw new FlowstateError(
    "FS_INPUT_INVALID",
    `there is no installation for ${platform}; run \`flowstate run\` under a service manager of its own`,
  );
}

/** The flag, else the machine for an administrator and the person for everybody else. */
export function parseScope(flag: string | undefined, platform: Platform, administrator: boolean): Scope {
  const scope = flag ?? (administrator ? "system" : "user");
  if (scope !== "system" && scope !== "user")
    throw new FlowstateError("FS_INPUT_INVALID", `--scope ${scope.slice(0, 40)}: it takes system or user`);
  if (scope === "user" && platform === "win32")
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      "--scope user: on Windows there is the service of the machine only",
    );
  if (scope === "system" && !administrator)
    throw new FlowstateError(
      "FS_FORBIDDEN",
      "--scope system changes the machine; run it as an administrator (sudo)",
    );
  return scope;
}
