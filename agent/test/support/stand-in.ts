import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Clock } from "@flowstate/shared/clock";
import { parseReleaseKey } from "@flowstate/shared/release-signature";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { must } from "@flowstate/shared/assert";
import { askStatus } from "../../src/local/socket.ts";
import type { Upgrading } from "../../src/update/upgrade.ts";

/** How a stand-in for a packaged agent behaves once it is installed. */
export type Manner = "serves" | "is silent" | "dies at once" | "cannot be installed" | "says another version";

/**
 * A program that stands in for a packaged agent: it says its version, `install` ends the service before it and starts its
 * own, and that answers on the agent's socket.
 */
export function standIn(version: string, dataFolder: string, manner: Manner = "serves"): Buffer {
  return Buffer.from(`#!${process.execPath}
const { spawn } = require("node:child_process");
const { existsSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { createServer } = require("node:http");
const [folder, version, manner] = ${JSON.stringify([dataFolder, version, manner])};
const [pidFile, socket] = [folder + "/pid", folder + "/agent.sock"];
const [command] = process.argv.slice(2);
if (command === "--version") console.log(manner === "says another version" ? "0.0.1" : version);
if (command === "install") {
  if (manner === "cannot be installed") { console.error("no room for it"); process.exit(74); }
  if (existsSync(pidFile)) try { process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL"); } catch {}
  rmSync(socket, { force: true });
  if (manner !== "is silent") {
    const child = spawn(process.argv[1], ["run"], { detached: true, stdio: "ignore" });
    writeFileSync(pidFile, String(child.pid));
    child.unref();
  }
}
if (command === "run") {
  createServer((_, response) => {
    response.end(JSON.stringify({ version, pid: process.pid }));
    if (manner === "dies at once") response.on("finish", () => process.exit(1));
  }).listen(socket);
  // Whatever became of the test: nothing outlives its folder.
  setInterval(() => existsSync(folder) || process.exit(), 500);
}
`);
}

/** A machine on which a stand-in of version 1.0.0 is installed and runs, and on which time passes faster. */
export interface StandInMachine extends Disposable {
  readonly folder: string;
  readonly dataFolder: string;
  readonly target: string;
  readonly upgrading: Upgrading;
  readonly said: string[];
  /** What the program in place says of its version. */
  version(): string;
}

const execute = promisify(execFile);
/** A minute is twenty seconds: enough for a process to start on a busy machine. */
const patient = 3;
/** A minute is two seconds, for what is not going to answer. */
export const hasty = 30;

/** An upgrade on such a machine, from whatever process. */
export function upgradingOf(
  { folder, releaseKey }: { readonly folder: string; readonly releaseKey: string },
  say: (line: string) => void,
  timesFaster = patient,
): Upgrading {
  const target = join(folder, "bin/flowstate");
  const parsed = parseReleaseKey(releaseKey);
  let now = Date.now();
  const clock: Clock = {
    now: () => now,
    async sleep(ms) {
      now += ms;
      await new Promise((resolve) => setTimeout(resolve, ms / timesFaster));
    },
  };
  return {
    target,
    version: "1.0.0",
    key: must(parsed.ok ? parsed.value : null, "a release key"),
    journalFile: join(folder, "upgrade.json"),
    lockFile: join(folder, "upgrade.db"),
    install: async () => void (await execute(target, ["install"])),
    askStatus: () => askStatus(join(folder, "data")),
    hasService: true,
    say,
    env: {},
    clock,
  };
}

export function standInMachine(releaseKey: string, timesFaster = patient): StandInMachine {
  const folder = temporaryFolder();
  const [bin, dataFolder] = [join(folder.path, "bin"), join(folder.path, "data")];
  for (const path of [bin, dataFolder]) mkdirSync(path);
  const target = join(bin, "flowstate");
  writeFileSync(target, standIn("1.0.0", dataFolder));
  chmodSync(target, 0o755);
  execFileSync(target, ["install"]);
  const said: string[] = [];
  return {
    folder: folder.path,
    dataFolder,
    target,
    said,
    version: () => execFileSync(target, ["--version"], { encoding: "utf8" }).trim(),
    upgrading: upgradingOf({ folder: folder.path, releaseKey }, (line) => void said.push(line), timesFaster),
    [Symbol.dispose]() {
      const pidFile = join(dataFolder, "pid");
      try {
        if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
      } catch {
        // It has ended by itself.
      }
      folder[Symbol.dispose]();
    },
  };
}
