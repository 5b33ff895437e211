import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { FlowstateError } from "@flowstate/shared/errors";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { isSignedBy } from "@flowstate/shared/release-signature";
import { Secret } from "@flowstate/shared/secret";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import type { DaemonConfig } from "../daemon-config.ts";
import { thisMachine } from "../install/prepare.ts";
import { runsServices } from "../install/run-command.ts";
import { askStatus } from "../local/socket.ts";
import { withRightsOf } from "../machine/rights.ts";
import { readKeptPolicy } from "../policy/kept.ts";
import { leadOwnRequests } from "../relay/own-requests.ts";
import { parseUpstream, type Upstream } from "../relay/upstream.ts";
import { chooseRelease, type UpdateQuestion } from "../update/decide.ts";
import { findInstalled, keyToUpgradeWith, type Installed } from "../update/installed.ts";
import { thisPlatform } from "../update/offers.ts";
import { askQuestion, awaitSchedule } from "../update/question.ts";
import { settle, upgrade, type Upgrading } from "../update/upgrade.ts";
import { version } from "../version.ts";

export interface UpgradeFlags {
  /** Say what there is, and install nothing. */
  readonly check?: boolean;
  /** This version, whatever the settings say. */
  readonly version?: string;
  /** By the updater: only what the settings have installed by itself, and when. */
  readonly scheduled?: boolean;
}

/** `flowstate upgrade`: another version of the agent in the place of this one. */
export async function runUpgrade(
  { check = false, version: asked, scheduled = false }: UpgradeFlags,
  readSettings: () => Promise<DaemonConfig>,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const found = findInstalled(thisMachine(env));
  if (!found.ok && !check) throw new FlowstateError(found.reason, found.detail);
  const installed = found.ok ? found.value : null;
  const upgrading = installed === null || check ? null : prepareUpgrade(installed, env);
  const config = await readSettings();
  const credential = new Secret(basicCredential({ user: config.user, password: config.key.reveal() }));
  // With the machine's, an administrator has said whom to ask: the settings that say so now are the person's.
  const source = installed?.record.scope === "system" ? installed.record.controlPlane : config.controlPlane;
  const access = { controlPlane: new URL(source), credential };
  using ownRequests = leadOwnRequests();
  ownRequests.through(config.upstream ?? (installed === null ? null : keptUpstream(installed)));
  const ask = (): Promise<UpdateQuestion> => askQuestion(access, installed);
  if (upgrading === null) return say(describe(await ask(), asked));
  await settle(upgrading);
  const before = statSync(upgrading.target);
  const release = scheduled ? await awaitSchedule(ask) : wantedRelease(await ask(), asked);
  if (release === null || typeof release === "string") return say(release ?? isNewest);
  if (statSync(upgrading.target).ino !== before.ino)
    return say("somebody else has put another program in place in the meantime");
  await upgrade(access, release, upgrading, new AbortController().signal);
}

const isNewest = `${version} is the version to run here`;

/** The version that is asked for, else the one that the settings would have; null where that is the one that runs. */
function wantedRelease(question: UpdateQuestion, asked: string | undefined): OfferedRelease | null {
  if (asked === undefined) return chooseRelease(question);
  const found = question.offered.find(
    (release) => release.version === asked && release.platform === thisPlatform,
  );
  if (found !== undefined) return found;
  throw new FlowstateError("FS_NOT_FOUND", `there is no ${asked.slice(0, 64)} for ${thisPlatform} on offer`);
}

/** What whoever only asks is told. */
function describe(question: UpdateQuestion, asked: string | undefined): string {
  const release = wantedRelease(question, asked);
  if (release === null) return isNewest;
  const { key } = question;
  const isTrusted = key !== null && isSignedBy(release, key);
  const trust = isTrusted ? "signed with this device's key" : "not signed with a key that this device knows";
  return `${release.version} is available, ${trust}; this is ${version}`;
}

/** Throws FS_FORBIDDEN and FS_CONFIG_INVALID for what an upgrade needs and does not have. */
function prepareUpgrade(installed: Installed, env: NodeJS.ProcessEnv): Upgrading {
  const { record, target, journalFile, lockFile } = installed;
  const key = keyToUpgradeWith(installed, process.getuid?.());
  if (!key.ok) throw new FlowstateError(key.reason, key.detail);
  // What is stored counts, not what stands in the environment of whoever upgrades.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("FLOWSTATE_")));
  return {
    target,
    version,
    key: key.value,
    journalFile,
    lockFile,
    env: own,
    install: () => runInstaller(target, ["install", "--scope", record.scope, "--as-before"], own),
    askStatus: () => askStatus(record.dataFolder),
    hasService: runsServices(env),
    say,
  };
}

const execute = promisify(execFile);

/** Rejects with the installer's own last words. */
async function runInstaller(target: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await execute(target, args, { env });
  } catch (error) {
    const { stderr = "", message } = error as Error & { readonly stderr?: string };
    const reason = stderr.trim().split("\n").at(-1) ?? "";
    throw new FlowstateError("FS_UNAVAILABLE", reason || message, { cause: error });
  }
}

/** The proxy of the network, as the organisation last said it to the service. */
function keptUpstream({ record: { person, dataFolder } }: Installed): Upstream | null {
  const kept = withRightsOf(person.owner, () => readKeptPolicy(join(dataFolder, "policy.json")));
  const parsed = parseUpstream(kept?.policy.settings.upstreamProxy ?? "");
  return parsed.ok ? parsed.value : null;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
