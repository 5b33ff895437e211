import { homedir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "@flowstate/shared/config/load";
import { option } from "@flowstate/shared/config/option";
import type { Home } from "./observe/files/sources.ts";

/** Settings of every command of the agent. */
export const settings = {
  dataFolder: option.text({
    env: "FLOWSTATE_DATA_DIR",
    describe: "Folder of the agent's own files; unset, it is `.flowstate` in the home folder.",
  }),
};

export interface Config {
  /** Folder of the agent's own files. */
  readonly dataFolder: string;
  /** Where the tools of this machine keep their logs. */
  readonly machine: Home;
}

export function readConfig(env: NodeJS.ProcessEnv, home = homedir(), platform = process.platform): Config {
  const { dataFolder } = loadConfig(settings, env);
  return { dataFolder: dataFolder ?? join(home, ".flowstate"), machine: { home, platform, env } };
}
