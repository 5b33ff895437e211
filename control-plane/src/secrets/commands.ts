import { existsSync } from "node:fs";
import { Command } from "commander";
import { systemClock } from "@flowstate/shared/clock";
import { say } from "../command.ts";
import type { Config } from "../config.ts";
import { openInstallation } from "./installation.ts";
import { ownFile, readMasterKey, writeNewKey } from "./master-key.ts";
import { rewrapAll, rotateOwnKey } from "./rotate.ts";

/** `flowstate-control secrets …`. */
export function secretsCommands(config: () => Config): Command {
  return new Command("secrets").description("what the installation keeps sealed").addCommand(
    new Command("rotate")
      .description("wrap every secret under a new master key; restart the control plane afterwards")
      .option(
        "--to <file>",
        "key file to change to, made where it is missing; by default the data folder's own",
      )
      .action(async ({ to }: { to?: string }) => {
        const settings = config();
        await using installation = await openInstallation(settings, systemClock);
        const { store, master } = installation;
        const { inline, file } = settings.masterKey;
        if (to === undefined && inline === null && file === null) {
          const count = await rotateOwnKey(store, settings.masterKey, master);
          say(
            `${count} secrets are wrapped under the new ${ownFile(settings.masterKey)}; restart the control plane`,
          );
          return;
        }
        const target = to ?? `${ownFile(settings.masterKey)}.new`;
        if (!existsSync(target)) writeNewKey(target);
        const count = await rewrapAll(store, master, readMasterKey(target));
        say(
          `${count} secrets are wrapped under ${target}; give its key to the control plane (FLOWSTATE_MASTER_KEY_FILE) and restart it`,
        );
      }),
  );
}
