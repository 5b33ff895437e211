import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isSea } from "node:sea";
import { getCACertificates } from "node:tls";
import { dirname, join } from "node:path";
import { FlowstateError } from "@flowstate/shared/errors";
import { makeFolders } from "../machine/change.ts";
import { machineSettingsFile, personalSettingsFile } from "../machine/managed-settings.ts";
import { withRightsOf } from "../machine/rights.ts";
import { parseSettingsFile, type Settings } from "../machine/settings-file.ts";
import { findTrustStore } from "../machine/trust-store.ts";
import { openAuthority, renewAuthority } from "../observe/intercept/ca.ts";
import { daemonFlags } from "../packaged/node-options.ts";
import {
  checkSettings,
  parsePlatform,
  parseScope,
  releaseKeyToStore,
  settingsToStore,
  type InstallFlags,
} from "./options.ts";
import { currentPerson, findPerson, type Person } from "./person.ts";
import type { Installation, Platform, Program, Scope } from "./plan.ts";
import { besideRecord, readRecord, recordFile, type InstallRecord } from "./record.ts";
import { noTools, toolsFor } from "./tools.ts";

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

function thisProgram(): Program {
  if (isSea()) return { kind: "executable", file: process.execPath };
  const script = join(import.meta.dirname, "../../bin/flowstate.js");
  return { kind: "checkout", command: [process.execPath, ...daemonFlags, script] };
}

/** Flags, environment and what is stored, as one installation; makes the device's authority where there is to be one. */
export function prepare(flags: InstallFlags, surroundings: Surroundings): Installation {
  const { env, root, program, self, administrator } = surroundings;
  const platform = parsePlatform(surroundings.platform);
  const scope = parseScope(flags.scope, platform, administrator);
  const earlier = readRecord(join(root, recordFile(platform, scope, self.home)));
  const person = choosePerson(flags.runAs, platform, scope, earlier?.person ?? null, surroundings);
  const asPerson = <T>(act: () => T): T => withRightsOf(person.owner, act);
  const stored =
    scope === "system" && platform !== "win32"
      ? readStored(join(root, machineSettingsFile))
      : asPerson(() => readStored(join(root, personalSettingsFile(person.home, platform))));
  const settings = settingsToStore(flags, env, stored);
  const config = checkSettings(settings, person.home);
  const { dataFolder, captures } = config;
  const has = (file: string): boolean => existsSync(join(root, person.home, file));
  const earlierPort = earlier === null ? null : Number(stored["FLOWSTATE_RELAY_PORT"] ?? config.relayPort);
  const told = flags.tools ? asPerson(() => toolsFor({ config, platform, env, earlierPort, has })) : noTools;
  const keyFile = join(root, besideRecord("release-key", platform, scope, person.home));
  const storedKey = existsSync(keyFile) ? readFileSync(keyFile, "utf8").trim() : null;
  const authorityFolder = join(dataFolder, "tls");
  return {
    platform,
    scope,
    person,
    program,
    // The machine's settings are read by an administrator too, whose own data folder is another one.
    settings: scope === "system" ? { ...settings, FLOWSTATE_DATA_DIR: dataFolder } : settings,
    dataFolder,
    controlPlane: config.controlPlane.origin,
    ...told,
    authority: captures.has("intercept")
      ? prepareAuthority(authorityFolder, join(root, authorityFolder), person, scope, earlier)
      : null,
    releaseKey: releaseKeyToStore(flags, env, storedKey),
    trustStore: scope === "system" && flags.trust ? findTrustStore(platform, root) : null,
  };
}

function readStored(file: string): Settings {
  return existsSync(file) ? parseSettingsFile(readFileSync(file, "utf8")) : {};
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
