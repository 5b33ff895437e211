import { homedir } from "node:os";
import { InvalidArgumentError, Option, type Command } from "commander";
import { createProgram } from "@flowstate/shared/cli";
import type { CapturesFlags } from "./commands/captures.ts";
import type { InstallCommandFlags } from "./commands/install.ts";
import type { LogsFlags } from "./commands/logs.ts";
import type { RunFlags } from "./commands/run.ts";
import type { ScanFlags } from "./commands/scan.ts";
import type { SessionsFlags } from "./commands/sessions.ts";
import type { UpgradeFlags } from "./commands/upgrade.ts";
import { readConfig } from "./config.ts";
import { managedSettings, profileOf, withManaged } from "./machine/managed-settings.ts";
import { version } from "./version.ts";

/** `flowstate`: the agent on a person's machine. Only the command that is asked for is loaded: a scan is over sooner. */
export function agentProgram(env: NodeJS.ProcessEnv): Command {
  const sources = () => managedSettings(homedir());
  const managed = () => withManaged(env, sources());
  const daemonConfig = async () => (await import("./daemon-config.ts")).readDaemonConfig(managed());
  /** A service and a task of Windows have the profile of the system. */
  const followHome = (home: string | undefined): void => {
    if (home !== undefined) Object.assign(env, profileOf(home));
  };
  // Positional, because `upgrade --version` says which one, and not which this is.
  const program = createProgram("flowstate", "The Flowstate agent", version).enablePositionalOptions();
  program
    .command("scan")
    .description("usage and cost from the session logs on this machine; needs no server")
    .option("--since <day>", "first day to count, such as 2026-11-01")
    .option("--until <day>", "last day to count")
    .option("--by <what>", "day, session, model, project or tool", "day")
    .option("--timezone <zone>", "IANA name; the machine's own when not given")
    .option("--json", "print one JSON document")
    .action(async (flags: ScanFlags) => (await import("./commands/scan.ts")).runScan(flags, readConfig(env)));
  program
    .command("run")
    .description("the daemon in the foreground: captures calls, relays, and reports")
    .option("--service", "started by a service manager: log to the data folder alone")
    .addOption(homeOption())
    .action(async ({ home, ...flags }: RunFlags & HomeFlag) => {
      followHome(home);
      await (await import("./commands/run.ts")).runDaemon(await daemonConfig(), flags, env);
    });
  program
    .command("proxy", { hidden: true })
    .command("run")
    .description("the same as run")
    .action(async () => (await import("./commands/run.ts")).runDaemon(await daemonConfig(), {}, env));
  program
    .command("install")
    .description("make the agent a service; again, to bring it up to date or to change a setting")
    .option(
      "--key <key>",
      "the organisation's key; FLOWSTATE_OTLP_KEY or --key-file keep it out of the process list",
    )
    .option("--key-file <file>", "a file that holds the key; - is standard input")
    .option("--user <e-mail>", "the person's work e-mail")
    .option("--host <host>", "the organisation's cloud proxy, such as ai.example.com")
    .option("--control-plane <url>", "where calls are reported to")
    .option(
      "--mode <mode>",
      "telemetry, or enterprise: intercept, so that words can be kept if the organisation says so",
    )
    .option("--release-key <key>", "the public key (fsr_…) that newer versions have to be signed with")
    .option("--scope <scope>", "system or user; system for an administrator")
    .option("--run-as <account>", "whose tools are counted; whoever called sudo")
    .option("--no-tools", "leave shells, desktops and the settings of tools alone")
    .option("--no-trust", "leave the system's trust store alone")
    .addOption(new Option("--as-before", "an upgrade of the program alone").hideHelp())
    .action(async (flags: InstallCommandFlags) =>
      (await import("./commands/install.ts")).runInstall(flags, env),
    );
  program
    .command("uninstall")
    .description("take back all that install did, and remove the agent's data")
    .option("--keep-data", "leave the ledger and what waits to be delivered")
    .option("--scope <scope>", "system or user, where both are installed")
    .action(async (flags: { readonly keepData?: boolean; readonly scope?: string }) =>
      (await import("./commands/install.ts")).runUninstall(flags, env),
    );
  program
    .command("upgrade")
    .description("put the version in place that the organisation's settings would have here")
    .option("--check", "only say which that is")
    .option("--version <version>", "this version, whatever the settings say")
    .addOption(new Option("--scheduled", "started by the updater").hideHelp())
    .addOption(homeOption())
    .action(async ({ home, ...flags }: UpgradeFlags & HomeFlag) => {
      followHome(home);
      await (await import("./commands/upgrade.ts")).runUpgrade(flags, daemonConfig, env);
    });
  program
    .command("status")
    .description("what the running agent says of itself; exit code 69 where none runs")
    .option("--json", "print one JSON document")
    .action(async (flags: { readonly json?: boolean }) =>
      (await import("./commands/status.ts")).runStatus(flags, readConfig(managed())),
    );
  program
    .command("doctor")
    .description("prove each step of a call's way to the control plane, a line each")
    .action(async () => {
      const found = sources();
      return (await import("./commands/doctor.ts")).runDoctor(withManaged(env, found), found);
    });
  program
    .command("sessions")
    .description("the latest conversations that the agent knows, with what they cost")
    .option("--limit <number>", "how many conversations", parseCount, 20)
    .option("--json", "print one JSON document")
    .action(async (flags: SessionsFlags) =>
      (await import("./commands/sessions.ts")).runSessions(flags, readConfig(managed())),
    );
  program
    .command("logs")
    .description("what the agent has logged last")
    .option("--lines <number>", "how many lines", parseCount, 100)
    .option("--follow", "go on with what is logged from now on")
    .action(async (flags: LogsFlags) =>
      (await import("./commands/logs.ts")).runLogs(flags, readConfig(managed())),
    );
  program
    .command("policy")
    .description("what the organisation asks of calls from here, and which rules they met")
    .option("--json", "print one JSON document")
    .action(async (flags: { readonly json?: boolean }) =>
      (await import("./commands/policy.ts")).runPolicy(flags, readConfig(managed())),
    );
  const captures = program
    .command("captures")
    .description("what was said in calls, where the organisation has it kept on this device");
  captures
    .command("list", { isDefault: true })
    .description("the latest calls whose prompts and answers are kept")
    .option("--limit <number>", "how many calls", parseCount, 20)
    .option("--json", "print one JSON document")
    .action(async (flags: CapturesFlags) =>
      (await import("./commands/captures.ts")).runCapturesList(flags, readConfig(managed())),
    );
  captures
    .command("show")
    .argument("<id>", "as the list names it")
    .description("the prompt and the answer of one call")
    .option("--json", "print one JSON document")
    .action(async (id: string, flags: { readonly json?: boolean }) =>
      (await import("./commands/captures.ts")).runCapturesShow(id, flags, readConfig(managed())),
    );
  captures
    .command("purge")
    .description("erase all that is kept")
    .action(async () => (await import("./commands/captures.ts")).runCapturesPurge(readConfig(managed())));
  program
    .command("pac")
    .description("the proxy auto-configuration script, as the relay serves it at /proxy.pac")
    .action(async () => {
      const { readRelayConfig } = await import("./daemon-config.ts");
      (await import("./commands/pac.ts")).printPac(readRelayConfig(managed()));
    });
  return program;
}

interface HomeFlag {
  readonly home?: string;
}

function homeOption(): Option {
  return new Option("--home <folder>", "whose profile is read, on Windows").hideHelp();
}

function parseCount(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("it must be a whole number");
}
