import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aiHosts } from "@flowstate/shared/hosts";
import { createAuthority, type KeyedCertificate } from "@flowstate/shared/tls/certificate";
import { readAuthority } from "./known-authority.ts";

export const authorityName = "Flowstate device authority";

const authorityDays = 730;

/**
 * Domains that the authority may speak for: those of the hosts that are captured and none else, so that a stolen key
 * is no key to a bank. A pattern with `*` inside stands for the fixed labels behind it.
 */
export const permittedDomains: readonly string[] = [
  ...new Set(
    aiHosts
      .filter(({ mode }) => mode === "capture")
      .map(({ pattern }) => pattern.slice(pattern.lastIndexOf("*") + 1))
      .map((suffix) => (suffix.startsWith(".") ? suffix.slice(1) : suffix.replace(/^-[^.]+\./, ""))),
  ),
].sort();

/** This machine's authority: the one in `folder`, or a new one where there is none that is good for a month. */
export function openAuthority(folder: string, now = Date.now()): KeyedCertificate {
  return readAuthority(folder, now) ?? renewAuthority(folder, now);
}

/** A new authority in `folder`, whatever is there. */
export function renewAuthority(folder: string, now = Date.now()): KeyedCertificate {
  const fresh = createAuthority({
    commonName: authorityName,
    days: authorityDays,
    permitted: permittedDomains,
    now,
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The key first: a certificate without its key would be trusted and useless.
  replaceFile(join(folder, "ca-key.pem"), fresh.privateKey, 0o600);
  replaceFile(join(folder, "ca.pem"), fresh.certificate, 0o644);
  return fresh;
}

function replaceFile(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}
