import { runProgram } from "@flowstate/shared/cli";
import { agentProgram } from "./cli.ts";

// Whatever this program makes is for its own user alone.
process.umask(0o077);
process.exitCode = await runProgram(agentProgram(process.env), process.argv.slice(2));
