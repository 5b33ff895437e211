import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mintKey } from "@flowstate/shared/keys";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import type { InstallFlags } from "../../src/install/options.ts";
import type { Surroundings } from "../../src/install/prepare.ts";
import type { Command, Hands } from "../../src/machine/change.ts";

export const key = mintKey("org").text;
export const noFlags: InstallFlags = { tools: true, trust: true };
/** Whoever runs the tests, whose rights are all there are. */
export const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Every file under a folder with its mode and text, and every folder. */
export function treeOf(folder: string): Readonly<Record<string, string>> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const text = entry.isFile() ? `${statSync(path).mode.toString(8)} ${readFileSync(path, "utf8")}` : "";
      return [path.slice(folder.length), text];
    }),
  );
}

/** What the environment of an installation of a machine holds. */
export const machineEnv = { FLOWSTATE_OTLP_KEY: key, FLOWSTATE_USER: "ada@example.com", SUDO_USER: "ada" };

/** A machine whose file system is a folder, and the commands that were run on it. */
export interface Machine extends Disposable {
  readonly root: string;
  readonly home: string;
  readonly hands: Hands;
  readonly ran: string[];
  readonly surroundings: Surroundings;
}

/** A machine with an account `ada` and a shell profile of hers. */
export function machine(platform: "linux" | "darwin"): Machine {
  const folder = temporaryFolder();
  const home = platform === "linux" ? "/home/ada" : "/Users/ada";
  for (const path of ["/etc", "/usr/local/share/ca-certificates", home])
    mkdirSync(join(folder.path, path), { recursive: true });
  writeFileSync(join(folder.path, "/etc/passwd"), `ada:x:${me.uid}:${me.gid}:Ada:${home}:/bin/sh\n`);
  writeFileSync(join(folder.path, home, ".profile"), "umask 022");
  const ran: string[] = [];
  const hands: Hands = {
    root: folder.path,
    run: (command: Command) => Promise.resolve(void ran.push(command.join(" "))),
  };
  const surroundings: Surroundings = {
    env: machineEnv,
    platform,
    root: folder.path,
    administrator: true,
    program: { kind: "checkout", command: ["/opt/node", "/opt/flow state/flowstate.js"] },
    self: { account: "root", home: "/root", owner: me },
  };
  return {
    root: folder.path,
    home,
    hands,
    ran,
    surroundings,
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
