import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isSea } from "node:sea";
import { getCACertificates } from "node:tls";
import { dirname, join } from "node:path";
import { FlowstateError } from "@flowstate/shared/errors";
import { makeFolders } from "../machine/change.ts";
import { machineSettingsFile, personalSettingsFile } from "../machine/managed-settings.ts";
import { withRightsOf } from "../machine/rights.ts";
import { parseSettingsFile } from "../machine/settings-file.ts";
import { telemetryTools } from "../machine/tool-telemetry.ts";
import { findTrustStore } from "../machine/trust-store.ts";
import { openAuthority, renewAuthority } from "../observe/intercept/ca.ts";
import { checkSettings, parsePlatform, parseScope, settingsToStore, type InstallFlags } from "./options.ts";
import { currentPerson, findPerson, type Person } from "./person.ts";
import { windowsWrapper, type Installation, type Platform, type Program, type Scope } from "./plan.ts";
import { readRecord, recordFile, type InstallRecord } from "./record.ts";

/** What an installation is made for and with; the defaults are this machine's. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: string;
  /** Folder that stands for the root of the file system; empty outside of tests. */
  readonly root: string;
  readonly administrator: boolean;
  readonly program: Program;
  /** Whoever runs this. */
  readonly self: Person;
}

export function thisMachine(env: NodeJS.ProcessEnv): Surroundings {
  return {
    env,
    platform: process.platform,
    root: "",
    administrator: process.platform === "win32" || process.getuid?.() === 0,
    program: thisProgram(),
    self: currentPerson(),
  };
}

/** A small nursery keeps the memory of a reader of logs low, as in bin/flowstate.js. */
function thisProgram(): Program {
  if (isSea()) return { kind: "executable", file: process.execPath };
  const script = join(import.meta.dirname, "../../bin/flowstate.js");
  return { kind: "checkout", command: [process.execPath, "--max-semi-space-size=4", script] };
}

/** Flags, environment and what is stored, as one installation; makes the device's authority where there is to be one. */
export function prepare(flags: InstallFlags, surroundings: Surroundings): Installation {
  const { env, root, program } = surroundings;
  const platform = parsePlatform(surroundings.platform);
  const scope = parseScope(flags.scope, platform, surroundings.administrator);
  const earlier = readRecord(join(root, recordFile(platform, scope, surroundings.self.home)));
  const person = choosePerson(flags.runAs, platform, scope, earlier?.person ?? null, surroundings);
  const settingsFile =
    scope === "system" && platform !== "win32"
      ? machineSettingsFile
      : personalSettingsFile(person.home, platform);
  const place = join(root, settingsFile);
  const inHome = settingsFile !== machineSettingsFile;
  const stored = withRightsOf(inHome ? person.owner : null, () =>
    existsSync(place) ? parseSettingsFile(readFileSync(place, "utf8")) : {},
  );
  const settings = settingsToStore(flags, env, stored);
  const config = checkSettings(settings, person.home);
  const { dataFolder, captures, cloudProxy, controlPlane, relayPort, otlpPort } = config;
  if (platform === "win32" && !existsSync(join(root, windowsWrapper)))
    throw new FlowstateError(
      "FS_NOT_FOUND",
      `${windowsWrapper} is not there; put WinSW there under that name`,
    );
  const intercepts = captures.has("intercept");
  const useful = captures.has("relay") && (intercepts || cloudProxy !== null);
  if (useful && flags.tools && relayPort === 0)
    throw new FlowstateError(
      "FS_CONFIG_INVALID",
      "FLOWSTATE_RELAY_PORT: tools have to know it, so it must not be 0",
    );
  const other = otherProxy(env, [relayPort, Number(stored["FLOWSTATE_RELAY_PORT"] ?? relayPort)]);
  const used = withRightsOf(person.owner, () =>
    telemetryTools.filter((folder) => existsSync(join(root, person.home, folder))),
  );
  const reports = captures.has("otlp") && flags.tools && used.length > 0;
  if (reports && otlpPort === 0)
    throw new FlowstateError(
      "FS_CONFIG_INVALID",
      "FLOWSTATE_OTLP_PORT: tools have to know it, so it must not be 0",
    );
  const profiles = withRightsOf(person.owner, () => profilesIn(join(root, person.home), platform));
  const authorityFolder = join(dataFolder, "tls");
  return {
    platform,
    scope,
    person,
    program,
    // The machine's settings are read by an administrator too, whose own data folder is another one.
    settings: scope === "system" ? { ...settings, FLOWSTATE_DATA_DIR: dataFolder } : settings,
    dataFolder,
    otherProxy: other,
    tools:
      useful && flags.tools && other === null
        ? { relayPort, direct: [controlPlane.hostname], profiles }
        : null,
    telemetry: reports ? { address: `http://127.0.0.1:${otlpPort}`, tools: used } : null,
    authority: intercepts
      ? prepareAuthority(authorityFolder, join(root, authorityFolder), person, scope, earlier)
      : null,
    trustStore: scope === "system" && flags.trust ? findTrustStore(platform, root) : null,
  };
}

/** A login shell of bash reads the first of three files and no other; zsh has its own, where somebody uses it. */
function profilesIn(home: string, platform: Platform): readonly string[] {
  const has = (file: string): boolean => existsSync(join(home, file));
  const login = [".bash_profile", ".bash_login"].find(has) ?? ".profile";
  const zsh = platform === "darwin" || [".zshenv", ".zshrc", ".zprofile"].some(has);
  return zsh ? [login, ".zshenv"] : [login];
}

/** Where the environment leads already, if that is not the relay: a network may let nobody out by another way. */
function otherProxy(env: NodeJS.ProcessEnv, relayPorts: readonly number[]): string | null {
  const given = env["HTTPS_PROXY"] || env["https_proxy"] || "";
  if (given === "") return null;
  const host = URL.canParse(given) ? new URL(given).host : "an address that is none";
  return relayPorts.some((port) => host === `127.0.0.1:${port}`) ? null : host;
}

function choosePerson(
  runAs: string | undefined,
  platform: Platform,
  scope: Scope,
  earlier: Person | null,
  { env, root, self }: Surroundings,
): Person {
  if (scope === "user") return self;
  if (earlier !== null) {
    if ((runAs ?? earlier.account) === earlier.account) return earlier;
    throw new FlowstateError(
      "FS_CONFLICT",
      `the agent is installed for the account ${earlier.account}; uninstall it before it is installed for another`,
    );
  }
  const name = runAs ?? env["SUDO_USER"] ?? "";
  if (name !== "") return findPerson(name, { platform, root });
  if (platform === "win32") return self;
  throw new FlowstateError(
    "FS_INPUT_INVALID",
    "--run-as: say whose tools are to be counted, by the name of an account",
  );
}

/**
 * Made here and not by the first start, so that the system can be told to trust it. The folder is the person's: what an
 * administrator makes the whole system trust is therefore only ever an authority that an installation has made itself.
 */
function prepareAuthority(
  folder: string,
  place: string,
  { owner }: Person,
  scope: Scope,
  earlier: InstallRecord | null,
): Installation["authority"] {
  const { certificate } = withRightsOf(owner, () => {
    makeFolders(dirname(place), 0o700);
    const known = openAuthority(place);
    const ours = scope === "user" || fingerprint(known.certificate) === earlier?.authority;
    return ours ? known : renewAuthority(place);
  });
  const others = getCACertificates("system");
  const roots = (others.length > 0 ? others : getCACertificates("bundled")).map((pem) => `${pem.trim()}\n`);
  return {
    pem: certificate,
    sha1: new X509Certificate(certificate).fingerprint.replaceAll(":", ""),
    sha256: fingerprint(certificate),
    caFile: join(folder, "ca.pem"),
    bundleFile: join(folder, "bundle.pem"),
    bundle: `${roots.join("")}${certificate}`,
  };
}

function fingerprint(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256;
}
