import { readFileSync } from "node:fs";
import { Command } from "commander";
import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import { change, say } from "../command.ts";
import type { Config } from "../config.ts";
import { importDirectory } from "./import.ts";

interface Options {
  readonly org: string;
  readonly preview?: true;
  readonly json?: true;
}

/** `flowstate-control import directory FILE`: people and teams from a CSV file. */
export function importDirectoryCommand(config: () => Config): Command {
  return new Command("directory")
    .description("import people and teams, every line or none")
    .argument("<file>", "CSV in UTF-8: email and any of name, title, team, manager, active")
    .option("--org <slug>", "short name of the organisation", "default")
    .option("--preview", "say what would be imported and which lines are bad, and store nothing")
    .option("--json", "print JSON")
    .action((file: string, options: Options) =>
      change(config(), options.org, async ({ store }, context) => {
        const request = { text: readText(file), preview: options.preview === true };
        const outcome = await importDirectory(store, context, request);
        if (options.json) printJson(outcome);
        else {
          for (const { line, detail } of outcome.faults) say(`line ${line}: ${detail}`);
          const verb = outcome.imported ? "imported" : "nothing stored of";
          say(
            `${verb} ${outcome.people} people: ${outcome.created} new, ${outcome.changed} known, ${outcome.teamsCreated} new teams`,
          );
        }
        if (outcome.faults.length > 0) {
          throw new FlowstateError(
            "FS_INPUT_INVALID",
            `${outcome.faults.length} bad lines; nothing is imported`,
          );
        }
      }),
    );
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FlowstateError("FS_NOT_FOUND", `${file} cannot be read`, { cause: error });
  }
}
