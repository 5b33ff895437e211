import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { install, uninstall } from "../install/install.ts";
import { parsePlatform, type InstallFlags } from "../install/options.ts";
import { prepare, thisMachine } from "../install/prepare.ts";
import { installsItself, programOf, type Installation, type Scope } from "../install/plan.ts";
import { readRecord, recordFile } from "../install/record.ts";
import { runCommand, runsServices } from "../install/run-command.ts";
import { askStatus } from "../local/socket.ts";
import type { DaemonStatus } from "../local/status.ts";
import type { Hands } from "../machine/change.ts";
import { removeLeftoversLater } from "../packaged/leftovers.ts";
import { version } from "../version.ts";

export type InstallCommandFlags = InstallFlags & {
  /** An upgrade by the agent itself: what is not there stays away. */
  readonly asBefore?: boolean;
  /** File that holds the key; `-` is standard input. */
  readonly keyFile?: string;
};

/** `flowstate install`: the agent as a service of this machine or this person. Doing it again brings it up to date. */
export async function runInstall(flags: InstallCommandFlags, env: NodeJS.ProcessEnv): Promise<void> {
  const { keyFile } = flags;
  const key =
    keyFile === undefined ? {} : { key: readFileSync(keyFile === "-" ? 0 : keyFile, "utf8").trim() };
  const hands = handsOf(env);
  if (process.platform === "linux") await hands.run(["systemctl", "--version"]);
  const installation = prepare({ ...flags, ...key }, thisMachine(env));
  await install(installation, hands, { asBefore: flags.asBefore === true });
  process.stdout.write(describe(installation));
  if (!runsServices(env))
    return void process.stdout.write("No service manager runs here: the agent starts with the next boot.\n");
  const { dataFolder } = installation;
  const status = await awaitStatus(dataFolder);
  if (status === null)
    throw new FlowstateError(
      "FS_UNAVAILABLE",
      `the agent is installed and does not answer; \`flowstate logs\` or the service manager says why`,
    );
  process.stdout.write(`It runs (process ${status.pid}). Check it with \`flowstate doctor\`.\n`);
}

const startMs = 15_000;
const lookMs = 200;

/** What a daemon that is starting says of itself; null where it has said nothing for long enough. */
async function awaitStatus(dataFolder: string, clock: Clock = systemClock): Promise<DaemonStatus | null> {
  for (const end = clock.now() + startMs; clock.now() < end; await clock.sleep(lookMs)) {
    const status = await askStatus(dataFolder);
    if (status !== null) return status;
  }
  return null;
}

/** `flowstate uninstall`: everything that `install` did, and nothing else. Nothing installed is no failure. */
export async function runUninstall(
  { keepData = false, scope }: { readonly keepData?: boolean; readonly scope?: string },
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { administrator, self, platform } = thisMachine(env);
  // What whoever asks can take back comes first, where there are both.
  const order = administrator ? (["system", "user"] as const) : (["user", "system"] as const);
  const scopes = order.filter((each) => scope === undefined || scope === each);
  const found = scopes.flatMap((each: Scope) => {
    const record = readRecord(join(recordFile(parsePlatform(platform), each, self.home)));
    return record === null ? [] : [record];
  });
  const [record] = found;
  if (record === undefined) return void process.stdout.write("nothing is installed\n");
  if (record.scope === "system" && !administrator)
    throw new FlowstateError(
      "FS_FORBIDDEN",
      "the agent is installed for the machine; uninstall it as an administrator (sudo)",
    );
  await uninstall(record, { keepData, ...handsOf(env) });
  if (process.platform === "win32") removeLeftoversLater();
  const kept = keepData ? `; its data stays in ${record.dataFolder}` : " with its data";
  process.stdout.write(`the agent is gone${kept}\n`);
}

function handsOf(env: NodeJS.ProcessEnv): Hands {
  return { root: "", run: (command) => runCommand(command, env) };
}

function describe(installation: Installation): string {
  const { settings, person, dataFolder, telemetry } = installation;
  const facts = [
    ["program", programOf(installation)],
    ["data", dataFolder],
    ["tools", describeTools(installation)],
    [
      "telemetry",
      telemetry === null
        ? "no tool was told to send any"
        : `${telemetry.tools.map((folder) => `~/${folder}`).join(", ")} send theirs to ${telemetry.address}`,
    ],
    ["trust", describeTrust(installation)],
    ["words", describeWords(installation)],
    ["updates", describeUpdates(installation)],
  ] as const;
  return [
    `Flowstate agent ${version} is installed for ${settings["FLOWSTATE_USER"]} (account ${person.account})`,
    ...facts.map(([name, value]) => `  ${name.padEnd(9)}  ${value}`),
    "",
  ].join("\n");
}

function describeTools({ tools, otherProxy }: Installation): string {
  if (otherProxy !== null)
    return `left alone: HTTPS_PROXY leads to ${otherProxy} already; in FLOWSTATE_UPSTREAM_PROXY the relay stands before it`;
  if (tools === null) return "left alone";
  const relay = `http://127.0.0.1:${tools.relayPort}`;
  return `shells started from now on use ${relay}; browsers take ${relay}/proxy.pac`;
}

function describeUpdates(installation: Installation): string {
  if (!installsItself(installation)) return "by `flowstate install` with a newer program";
  return installation.releaseKey === null
    ? "by `flowstate install` with a newer program; with --release-key by itself, as the organisation's settings say"
    : `as the organisation's settings say, if signed with ${installation.releaseKey}`;
}

/** Prompts and answers: the organisation decides, whatever was asked for here. */
function describeWords({ authority }: Installation): string {
  return authority === null
    ? "prompts and answers are not kept"
    : "prompts and answers are kept on this device while the organisation's settings say enterprise, and not before";
}

function describeTrust({ authority, trustStore }: Installation): string {
  if (authority === null) return "nothing is intercepted";
  if (trustStore !== null) return `${authority.caFile} is in the system's store`;
  return `by environment alone; the system's store was left as it is (${authority.caFile})`;
}
