import { posix, win32 } from "node:path";
import { machineSettingsFile, personalSettingsFile } from "../machine/managed-settings.ts";
import { noChange, type Change } from "../machine/change.ts";
import {
  launchdChange,
  stopWindowsService,
  systemdChange,
  windowsServiceChange,
  type ServiceOptions,
} from "../machine/service.ts";
import { renderSettingsFile, type Settings } from "../machine/settings-file.ts";
import {
  environmentFile,
  shellExports,
  toolEnvironment,
  type AuthorityFiles,
} from "../machine/tool-environment.ts";
import { telemetrySettings, type TelemetryTool } from "../machine/tool-telemetry.ts";
import { windowsFolder } from "../machine/system32.ts";
import { trustChange, type TrustedCertificate, type TrustStore } from "../machine/trust-store.ts";
import { launchdUpdaterChange, systemdUpdaterChange, windowsUpdaterChange } from "../machine/updater.ts";
import type { Person } from "./person.ts";
import { besideRecord } from "./record.ts";

export type Platform = "linux" | "darwin" | "win32";
export type Scope = ServiceOptions["scope"];

/** How the agent is started: a single executable, which an installation copies, or a checkout, which stays where it is. */
export type Program =
  | { readonly kind: "executable"; readonly file: string }
  | { readonly kind: "checkout"; readonly command: readonly [program: string, ...args: string[]] };

/** What an installation makes of a machine. */
export interface Installation {
  readonly platform: Platform;
  readonly scope: Scope;
  readonly person: Person;
  readonly program: Program;
  /** What is stored, the key among it. */
  readonly settings: Settings;
  readonly dataFolder: string;
  readonly controlPlane: string;
  /** A proxy that the person's shell names already, and that tools therefore keep; null where there is none. */
  readonly otherProxy: string | null;
  /** What the person's tools are told; null where they are to be left alone. */
  readonly tools: {
    readonly relayPort: number;
    readonly direct: readonly string[];
    /** Files in the person's home folder that their shells read when they start. */
    readonly profiles: readonly string[];
  } | null;
  /** Tools that are told to send their telemetry, and where to; null where none are. */
  readonly telemetry: { readonly address: string; readonly tools: readonly TelemetryTool[] } | null;
  /** The device's authority and where its files are; null where nothing is intercepted. */
  readonly authority:
    | (AuthorityFiles & TrustedCertificate & { readonly bundle: string; readonly sha256: string })
    | null;
  /** The public key that newer versions are held against; null where none was given: then none is installed. */
  readonly releaseKey: string | null;
  /** Null where the system's store is not to be touched, or none is known. */
  readonly trustStore: TrustStore | null;
}

/** Everything that is done to the machine, in order; taken back in reverse. */
export function planInstallation(installation: Installation): readonly Change[] {
  const { authority, trustStore } = installation;
  return [
    ...programChange(installation),
    settingsChange(installation),
    ...(authority === null || trustStore === null ? [] : [trustChange(trustStore, authority)]),
    ...toolsChange(installation),
    ...telemetryChange(installation),
    serviceChange(installation),
    ...updatesChange(installation),
  ];
}

/** Where a single executable is copied to. */
function programPath({
  platform,
  scope,
  person,
}: Pick<Installation, "platform" | "scope" | "person">): string {
  if (platform === "win32") return win32.join(windowsFolder, "flowstate.exe");
  return scope === "system" ? "/usr/local/bin/flowstate" : posix.join(person.home, ".local/bin/flowstate");
}

/** What a person types to run the agent. */
export function programOf(installation: Installation): string {
  const { program } = installation;
  return program.kind === "checkout" ? program.command.join(" ") : programPath(installation);
}

function programChange({ platform, scope, person, program }: Installation): readonly Change[] {
  const path = programPath({ platform, scope, person });
  if (program.kind === "checkout") return [];
  const files = [{ path, content: { copyOf: program.file }, mode: 0o755 }];
  // Windows lets nobody replace a program that runs.
  const toStop = platform === "win32" ? [stopWindowsService] : [];
  return [{ ...noChange, name: "program", files, toStop, actor: scope === "user" ? person.owner : null }];
}

/**
 * The file belongs to the person and is closed to everybody else: it holds the key. For the same reason it is no value
 * of the registry, which every user of a machine may read.
 */
function settingsChange({ platform, scope, person, settings }: Installation): Change {
  const machine = scope === "system" && platform !== "win32";
  const path = machine ? machineSettingsFile : personalSettingsFile(person.home, platform);
  const files = [{ path, content: renderSettingsFile(settings), mode: 0o600 }];
  const whose = machine ? { owner: person.owner } : { actor: person.owner };
  return { ...noChange, name: "settings", files, ...whose };
}

/** Shells that start from now on, and on Linux what a desktop starts. */
function toolsChange({ platform, person, tools, authority }: Installation): readonly Change[] {
  if (tools === null || platform === "win32") return [];
  const environment = toolEnvironment({ ...tools, authority });
  const bundle =
    authority === null ? [] : [{ path: authority.bundleFile, content: authority.bundle, mode: 0o644 }];
  const desktop = {
    path: posix.join(person.home, ".config/environment.d/90-flowstate.conf"),
    content: environmentFile(environment),
    mode: 0o644,
  };
  const lines = tools.profiles.map((file) => ({
    path: posix.join(person.home, file),
    lines: shellExports(environment),
  }));
  const files = platform === "linux" ? [...bundle, desktop] : bundle;
  return [{ ...noChange, name: "tools", files, lines, actor: person.owner }];
}

/** Each tool's own settings: variables of OpenTelemetry in a shell would speak for everything else that is started there. */
function telemetryChange({ platform, person, telemetry }: Installation): readonly Change[] {
  if (telemetry === null) return [];
  const at = (file: string): string => (platform === "win32" ? win32 : posix).join(person.home, file);
  const settings = telemetry.tools.map((tool) => telemetrySettings(tool, telemetry.address, at));
  return [
    {
      ...noChange,
      name: "telemetry",
      lines: settings.flatMap(({ lines }) => lines),
      values: settings.flatMap(({ values }) => values),
      actor: person.owner,
    },
  ];
}

function serviceChange(installation: Installation): Change {
  const { platform, scope, person, program, dataFolder } = installation;
  const start: readonly [string, ...string[]] =
    program.kind === "checkout" ? program.command : [programPath({ platform, scope, person })];
  const options: ServiceOptions = {
    scope,
    account: person.account,
    home: person.home,
    command: [...start, "run", "--service", ...(platform === "win32" ? ["--home", person.home] : [])],
    // systemd sets it; launchd may not.
    environment: platform === "darwin" ? { HOME: person.home } : {},
    dataFolder,
  };
  const actor = scope === "user" ? person.owner : null;
  switch (platform) {
    case "linux":
      return { ...systemdChange(options), actor };
    case "darwin":
      return { ...launchdChange(options, person.owner?.uid ?? 0), actor };
    case "win32":
      return windowsServiceChange(options);
  }
}

/** Whether the agent can put a newer version of itself in its place. */
export function installsItself({ program }: Pick<Installation, "program">): boolean {
  return program.kind === "executable";
}

/**
 * The release key lies beside the record and not with the settings, which are the person's: with it an administrator's
 * updater decides what it runs.
 */
function updatesChange(installation: Installation): readonly Change[] {
  const { platform, scope, person, releaseKey } = installation;
  if (releaseKey === null || !installsItself(installation)) return [];
  const { home } = person;
  const path = besideRecord("release-key", platform, scope, home);
  const actor = scope === "user" ? person.owner : null;
  const program = programPath(installation);
  const command = [program, "upgrade", "--scheduled"] as const;
  const updaterOf = (): Change => {
    switch (platform) {
      case "linux":
        return systemdUpdaterChange({ scope, home, command });
      case "darwin":
        return launchdUpdaterChange({ scope, home, command }, person.owner?.uid ?? 0);
      case "win32":
        return windowsUpdaterChange(
          { command: [...command, "--home", home] },
          win32.join(windowsFolder, "upgrade-task.xml"),
        );
    }
  };
  return [
    { ...noChange, name: "release key", files: [{ path, content: `${releaseKey}\n`, mode: 0o644 }], actor },
    { ...updaterOf(), actor },
  ];
}
