import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Owner } from "../machine/rights.ts";

/** The account whose tools an installation watches. */
export interface Person {
  readonly account: string;
  readonly home: string;
  /** Null on Windows, where files belong to whoever makes them. */
  readonly owner: Owner | null;
}

/** Whoever runs this program. */
export function currentPerson(): Person {
  const { username, uid, gid } = userInfo();
  return { account: username, home: homedir(), owner: uid < 0 ? null : { uid, gid } };
}

export interface LookupOptions {
  readonly platform: NodeJS.Platform;
  /** Folder that stands for the root of the file system; empty outside of tests. */
  readonly root: string;
  /** What a program prints; throws where it fails. */
  readonly ask?: (program: string, ...args: readonly string[]) => string;
}

/** An account by its name. Throws FS_NOT_FOUND. */
export function findPerson(account: string, { platform, root, ask = askProgram }: LookupOptions): Person {
  const absent = new FlowstateError(
    "FS_NOT_FOUND",
    `there is no account ${account.slice(0, 64)} on this machine`,
  );
  if (!/^[\w.][\w.@\\ -]{0,63}$/.test(account)) throw absent;
  try {
    if (platform === "win32") {
      const name = account.slice(account.lastIndexOf("\\") + 1);
      return { account, home: `C:\\Users\\${name}`, owner: null };
    }
    const found =
      platform === "darwin"
        ? parseDscl(
            account,
            ask("dscl", ".", "-read", `/Users/${account}`, "NFSHomeDirectory", "UniqueID", "PrimaryGroupID"),
          )
        : (parsePasswd(account, readFileSync(join(root, "/etc/passwd"), "utf8")) ??
          parsePasswd(account, ask("getent", "passwd", account)));
    if (found !== null) return found;
  } catch {
    throw absent;
  }
  throw absent;
}

/** passwd(5): name, password, user, group, comment, home folder and shell, with colons between. */
export function parsePasswd(account: string, text: string): Person | null {
  for (const line of text.split("\n")) {
    const [name, , uid = "", gid = "", , home = ""] = line.split(":");
    if (name === account && /^\d+$/.test(uid) && /^\d+$/.test(gid) && home.startsWith("/"))
      return { account, home, owner: { uid: Number(uid), gid: Number(gid) } };
  }
  return null;
}

/** What `dscl . -read` prints: `key: value`, or a value with spaces in it on the next line, after one space. */
export function parseDscl(account: string, text: string): Person | null {
  const value = (key: string): string => new RegExp(`^${key}:(?: |\\n )(.+)$`, "m").exec(text)?.[1] ?? "";
  const home = value("NFSHomeDirectory");
  const [uid, gid] = [value("UniqueID"), value("PrimaryGroupID")];
  if (!home.startsWith("/") || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return null;
  return { account, home, owner: { uid: Number(uid), gid: Number(gid) } };
}

function askProgram(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}
