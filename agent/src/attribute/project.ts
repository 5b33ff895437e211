import { readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";

export interface Project {
  /** `github.com/acme/api`, or the name in a marker file: fit to leave the machine. Null where neither exists. */
  readonly name: string | null;
  /** What to call the folder on this machine. */
  readonly label: string;
}

/** A file in a project's root whose first line is the project's name, for folders without a git remote. */
const marker = ".flowstate-project";

/** The project of a working directory: its marker, else the `origin` remote of the git repository around it. */
export function projectOf(cwd: string): Project {
  const label = basename(cwd.replaceAll("\\", "/")) || cwd;
  for (const folder of upwards(cwd)) {
    const named = firstLine(join(folder, marker));
    if (named !== null) return { name: named, label: named };
    const config = gitConfig(join(folder, ".git"));
    if (config !== null) {
      const remote = remoteOf(config);
      return { name: remote, label: remote ?? basename(folder) };
    }
  }
  return { name: null, label };
}

/** The remote `origin`, else the first one, without credentials and in one form for SSH and HTTPS. */
export function remoteOf(config: string): string | null {
  const remotes = new Map<string, string>();
  let section: string | null = null;
  for (const line of config.split("\n")) {
    const heading = /^\s*\[(?:remote "([^"]*)"|[^\]]*)\]/.exec(line);
    if (heading !== null) section = heading[1] ?? null;
    const url = /^\s*url\s*=\s*(\S+)\s*$/.exec(line)?.[1];
    if (url !== undefined && section !== null && !remotes.has(section)) remotes.set(section, url);
  }
  const url = remotes.get("origin") ?? [...remotes.values()][0];
  return url === undefined ? null : canonicalRemote(url);
}

/** `git@github.com:acme/api.git` and `https://user:secret@github.com/acme/api` are both `github.com/acme/api`. */
export function canonicalRemote(url: string): string | null {
  const scp = /^(?:[^@/]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(url);
  const parsed = scp === null && URL.canParse(url) ? new URL(url) : null;
  const host = scp?.[1] ?? parsed?.hostname ?? "";
  const path = (scp?.[2] ?? parsed?.pathname ?? "").replace(/^\/+/, "").replace(/\/*(?:\.git)?\/*$/, "");
  if (host === "" || path === "" || parsed?.protocol === "file:") return null;
  return `${host.toLowerCase()}/${path}`.slice(0, 400);
}

function* upwards(from: string): Generator<string> {
  if (!isAbsolute(from)) return;
  for (let folder = from; ; folder = dirname(folder)) {
    yield folder;
    if (dirname(folder) === folder) return;
  }
}

/** The configuration of the repository whose `.git` this is; in a worktree or a submodule that is a file with a path. */
function gitConfig(git: string): string | null {
  const stat = statSync(git, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (stat.isDirectory()) return readText(join(git, "config")) ?? "";
  const pointer = /^gitdir:\s*(.+)$/m.exec(readText(git) ?? "")?.[1];
  if (pointer === undefined) return null;
  const folder = resolve(dirname(git), pointer.trim());
  const common = firstLine(join(folder, "commondir"));
  return readText(join(common === null ? folder : resolve(folder, common), "config")) ?? "";
}

function firstLine(file: string): string | null {
  const line = readText(file)?.split("\n", 1)[0]?.trim();
  return line === undefined || line === "" ? null : line.slice(0, 400);
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
