import type { Command } from "commander";
import { createProgram } from "@flowstate/shared/cli";
import { runDaemon } from "./commands/run.ts";
import { runScan, type ScanFlags } from "./commands/scan.ts";
import { readConfig, readDaemonConfig } from "./config.ts";
import { version } from "./version.ts";

/** `flowstate`: the agent on a person's machine. */
export function agentProgram(env: NodeJS.ProcessEnv): Command {
  const program = createProgram("flowstate", "The Flowstate agent", version);
  program
    .command("scan")
    .description("usage and cost from the session logs on this machine; needs no server")
    .option("--since <day>", "first day to count, such as 2026-11-01")
    .option("--until <day>", "last day to count")
    .option("--by <what>", "day, session, model, project or tool", "day")
    .option("--timezone <zone>", "IANA name; the machine's own when not given")
    .option("--json", "print one JSON document")
    .action((flags: ScanFlags) => runScan(flags, readConfig(env)));
  program
    .command("run")
    .description("the daemon in the foreground: reads session logs, relays, and reports calls")
    .action(() => runDaemon(readDaemonConfig(env)));
  return program;
}
