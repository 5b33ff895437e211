import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@flowstate/shared/testing/temp";

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A device in a folder: its own root, one signed-in person, and the system's tools as stubs first in PATH. */
export interface Device extends Disposable {
  readonly root: string;
  readonly home: string;
  /** Puts a payload on the device and returns the file, for a caller that runs it without waiting. */
  place(script: string): string;
  /** Runs a payload as root would. */
  run(shell: string, script: string, options?: RunOptions): RunResult;
  /** What a login shell of the person that starts now has in its environment. */
  loginShell(shell: string): Readonly<Record<string, string>>;
  /** What a desktop program that starts now has, by `launchctl` (macOS). */
  desktop(name: string): string | null;
  setDesktop(name: string, value: string): void;
  /** The e-mail as the MDM's configuration profile delivered it. */
  profile(email: string): void;
  /** Every file with its mode and content. */
  snapshot(): Readonly<Record<string, string>>;
  /** Every argument list of every tool that the payloads started through the stubs. */
  arguments(): string;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export type System = "Darwin" | "Linux";

const stubs = (
  state: string,
  system: System,
  home: string,
  user: string,
): Readonly<Record<string, string>> => ({
  uname: `echo ${system}`,
  id: "echo 0",
  chown: ":",
  scutil: `cat >/dev/null; printf '<dictionary> {\\n  Name : %s\\n  UID : 501\\n}\\n' '${user}'`,
  dscl: `case $3 in /Users/'${user}') printf 'NFSHomeDirectory: %s\\n' '${home}' ;; *) exit 56 ;; esac`,
  getent: `printf '%s:x:501:501::%s:/bin/sh\\n' '${user}' '${home}'`,
  loginctl: `printf 'c1 1001 %s seat0\\n' '${user}'`,
  sudo: 'while [ "$1" != env ]; do shift; done; exec "$@"',
  runuser: 'while [ "$1" != env ]; do shift; done; exec "$@"',
  PlistBuddy: `[ -f "$3" ] && cat "$3"`,
  launchctl: `case $1 in
  setenv) printf '%s' "$3" >'${state}/'"$2" ;;
  unsetenv) rm -f '${state}/'"$2" ;;
  getenv) [ ! -f '${state}/'"$2" ] || cat '${state}/'"$2" ;;
  asuser) shift 2; exec "$@" ;;
esac`,
});

export function createDevice(system: System, user = "ada"): Device {
  const folder = temporaryFolder();
  const root = join(folder.path, "root");
  const home = join(root, "home/ada");
  const bin = join(folder.path, "bin");
  const state = join(folder.path, "desktop");
  const log = join(folder.path, "arguments");
  for (const path of [home, bin, state, join(root, "etc/zsh"), join(root, "Library/Managed Preferences")])
    mkdirSync(path, { recursive: true });
  writeFileSync(log, "");
  writeFileSync(join(root, "etc/profile"), "PATH=/usr/bin:/bin\nexport PATH", { mode: 0o644 });
  writeFileSync(join(root, "etc/zsh/zshenv"), "# the system's own\n", { mode: 0o644 });
  if (system === "Linux") mkdirSync(join(root, "etc/profile.d"));
  for (const [name, body] of Object.entries(stubs(state, system, home, user))) {
    const recorded = name === "launchctl" ? "" : `printf '%s\\n' "${name} $*" >>'${log}'\n`;
    writeFileSync(join(bin, name), `#!/bin/sh\n${recorded}${body}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const localise = (script: string): string =>
    script
      .replaceAll("FS_ROOT=''", `FS_ROOT='${root}'`)
      .replaceAll(/^PATH=/gm, `PATH=${bin}:`)
      .replaceAll("[ -r /etc/flowstate-proxy/env ]", `[ -r ${root}/etc/flowstate-proxy/env ]`)
      .replaceAll(". /etc/flowstate-proxy/env", `. ${root}/etc/flowstate-proxy/env`);

  const place = (script: string): string => {
    const file = join(folder.path, "payload.sh");
    writeFileSync(file, localise(script));
    return file;
  };

  return {
    root,
    home,
    place,
    run(shell, script, { args = [], stdin = "", env = {} } = {}) {
      const done = spawnSync(shell, [place(script), ...args], {
        input: stdin,
        encoding: "utf8",
        env: { PATH: process.env["PATH"] ?? "", HOME: home, ...env },
      });
      return { code: done.status ?? -1, stdout: done.stdout, stderr: done.stderr };
    },
    loginShell(shell) {
      const hooks = shell.endsWith("zsh")
        ? [join(root, "etc/zsh/zshenv")]
        : [join(root, "etc/profile"), join(root, "etc/profile.d/flowstate-proxy.sh")];
      const script = hooks.map((hook) => `if [ -r '${hook}' ]; then . '${hook}'; fi`).join("\n");
      const { stdout } = spawnSync(shell, ["-c", `${script}\nPATH=/usr/bin:/bin env`], {
        encoding: "utf8",
        env: { HOME: home },
      });
      return Object.fromEntries(
        stdout.split("\n").map((line) => line.split(/=(.*)/s, 2) as [string, string]),
      );
    },
    desktop(name) {
      const file = join(state, name);
      return existsSync(file) ? readFileSync(file, "utf8") : null;
    },
    setDesktop: (name, value) => writeFileSync(join(state, name), value),
    profile: (email) =>
      writeFileSync(join(root, "Library/Managed Preferences/inc.flowstate.proxy.plist"), `${email}\n`),
    snapshot: () => Object.fromEntries(walk(root).map((path) => [path.slice(root.length), describe(path)])),
    arguments: () => readFileSync(log, "utf8"),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...walk(path)] : [path];
  });
}

function describe(path: string): string {
  const stat = lstatSync(path);
  const mode = (stat.mode & 0o7777).toString(8);
  return stat.isDirectory() ? `folder ${mode}` : `${mode} ${readFileSync(path, "latin1")}`;
}
