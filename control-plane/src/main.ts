import { runProgram } from "@flowstate/shared/cli";
import { controlProgram } from "./cli.ts";
import { preferMemory } from "./memory.ts";

preferMemory();
// Whatever this program makes is for its own user alone.
process.umask(0o077);
process.exitCode = await runProgram(controlProgram(process.env), process.argv.slice(2));
// The channel to a supervisor would keep a program alive that has nothing left to do.
if (process.connected) process.disconnect?.();
