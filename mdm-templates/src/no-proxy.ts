import { isIP } from "node:net";
import { aiHosts, recogniseHost } from "@flowstate/shared/hosts";

export interface NoProxyFinding {
  readonly entry: string;
  readonly severity: "error" | "warning";
  readonly rule: "malformed" | "wildcard" | "single_label" | "public_suffix" | "ai_host" | "cidr" | "port";
  readonly message: string;
}

/** Loopback, link-local names and the clouds' metadata addresses: understood alike by every client measured. */
export const defaultNoProxy = [
  "localhost",
  "127.0.0.1",
  "::1",
  ".local",
  "169.254.169.254",
  "metadata.google.internal",
] as const;

/** The defaults and the given entries; a domain stands in both forms, since no single one covers apex and subdomains everywhere. */
export function expandNoProxy(entries: readonly string[]): readonly string[] {
  const given = entries.map(canonical).flatMap((entry) => {
    if (!isDomain(entry)) return [entry];
    const bare = entry.replace(/^\./, "");
    return [bare, `.${bare}`];
  });
  return [...new Set([...defaultNoProxy, ...given])];
}

/** What is wrong with entries of a `NO_PROXY` list: what clients read differently, and what would let AI traffic pass unmetered. */
export function lintNoProxy(entries: readonly string[]): readonly NoProxyFinding[] {
  return entries.map(canonical).flatMap((entry) => lintEntry(entry) ?? []);
}

function lintEntry(entry: string): NoProxyFinding | null {
  const shown = JSON.stringify(entry.slice(0, 80));
  const error = (rule: NoProxyFinding["rule"], why: string): NoProxyFinding => ({
    entry,
    severity: "error",
    rule,
    message: `NO_PROXY entry ${shown} ${why}`,
  });
  if (defaultNoProxy.some((known) => known === entry) || isIP(entry) !== 0) return null;
  if (/[[\]]/.test(entry))
    return error("malformed", "has brackets, at which Python's httpx fails; write the address alone");
  if (/\s/.test(entry)) return error("malformed", "holds a blank; separate entries with commas alone");
  const bare = entry.replace(/^\*?\.?/, "").replace(/:\d+$/, "");
  if (entry === "*" || (bare !== "" && !bare.includes("*") && aiHostsReached(bare).length > 0)) {
    const hosts = entry === "*" ? "every AI service" : aiHostsReached(bare).slice(0, 3).join(", ");
    return error(entry === "*" ? "wildcard" : "ai_host", `would let ${hosts} pass unmetered`);
  }
  if (entry.includes("*"))
    return error("wildcard", "has a wildcard, which most clients ignore; write the domain alone");
  if (/^[0-9a-f.:]+\/\d{1,3}$/.test(entry)) {
    return {
      ...error("cidr", "is an address range, which only curl, Go, requests and axios honour"),
      severity: "warning",
    };
  }
  if (!/^\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::\d{1,5})?$/.test(entry))
    return error("malformed", "is neither a domain, a host nor an address");
  if (!bare.includes("."))
    return error("single_label", "is a single label, which covers a whole top-level domain");
  if (/^(?:co|com|net|org|gov|ac|edu)\.[a-z]{2}$/.test(bare))
    return error("public_suffix", "is a public suffix, which covers everybody's domains");
  if (/:\d+$/.test(entry))
    return { ...error("port", "has a port, which half of the clients ignore"), severity: "warning" };
  return null;
}

/** The catalogue's hosts that an entry covers: the entry itself, what stands under it, and names a pattern allows under it. */
function aiHostsReached(bare: string): readonly string[] {
  const itself = recogniseHost(bare);
  const own = itself === null || itself.mode === "ignore" ? [] : [bare];
  const under = aiHosts.filter(({ pattern, mode }) => mode !== "ignore" && mayEndIn(pattern, bare));
  return [...new Set([...own, ...under.map(({ pattern }) => pattern)])];
}

/** Whether a host of this pattern can end in the suffix: `bedrock-runtime.*.amazonaws.com` in `us-east-1.amazonaws.com`. */
function mayEndIn(pattern: string, suffix: string): boolean {
  const ends = suffix.split(".");
  const labels = pattern.split(".");
  const last = labels.slice(-ends.length);
  return labels.length >= ends.length && last.every((label, index) => labelFits(label, ends[index] ?? ""));
}

function labelFits(pattern: string, label: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.at(-1);
  if (tail === undefined) return head === label;
  return label.length >= head.length + tail.length && label.startsWith(head) && label.endsWith(tail);
}

function canonical(entry: string): string {
  return entry.trim().toLowerCase();
}

function isDomain(entry: string): boolean {
  return isIP(entry) === 0 && entry.includes(".") && /^[a-z0-9._-]+$/.test(entry) && !/^[\d.]+$/.test(entry);
}
