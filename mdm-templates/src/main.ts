import { runProgram } from "@flowstate/shared/cli";
import { createMdmProgram } from "./cli.ts";

process.exitCode = await runProgram(createMdmProgram(), process.argv.slice(2));
