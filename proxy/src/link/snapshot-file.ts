import { readFileSync, renameSync, writeFileSync } from "node:fs";
import * as v from "valibot";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { proxySnapshot, type ProxySnapshot } from "@flowstate/shared/wire/push";

/** The last snapshot on disk (0600; it holds hashes, no keys), so that a restart serves while the control plane is away. */
export function readSnapshotFile(file: string): Parsed<ProxySnapshot, "missing" | "unreadable"> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return refuse("missing", `there is no ${file}`);
  }
  return parseSnapshot(text, file);
}

export function writeSnapshotFile(file: string, snapshot: ProxySnapshot): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, JSON.stringify(snapshot), { mode: 0o600 });
  renameSync(fresh, file);
}

/** Never throws: the file may be half-written, the answer may come from something that is no control plane. */
export function parseSnapshot(text: string, from: string): Parsed<ProxySnapshot, "unreadable"> {
  try {
    const parsed = v.safeParse(proxySnapshot, JSON.parse(text));
    if (parsed.success) return ok(parsed.output);
  } catch {
    // Not JSON; said below.
  }
  return refuse("unreadable", `${from} holds no key snapshot`);
}
