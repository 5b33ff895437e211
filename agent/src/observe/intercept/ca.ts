import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { systemCode } from "@flowstate/shared/errors";
import { aiHosts } from "@flowstate/shared/hosts";
import { dayMs } from "@flowstate/shared/time";
import {
  createAuthority,
  generateKeys,
  issueCertificate,
  type KeyedCertificate,
} from "@flowstate/shared/tls/certificate";

export const authorityName = "Flowstate device authority";

const authorityDays = 730;
const leafDays = 30;
const mostLeaves = 512;

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

/** This machine's authority: the one in `folder`, or a new one where there is none or it ends within 30 days. */
export function openAuthority(folder: string, now = Date.now()): KeyedCertificate {
  const known = readAuthority(folder);
  return known !== null && endsAt(known) - now > leafDays * dayMs ? known : renewAuthority(folder, now);
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

/** Null where there is none, or where its two files do not belong together. */
function readAuthority(folder: string): KeyedCertificate | null {
  try {
    const certificate = readFileSync(join(folder, "ca.pem"), "utf8");
    const privateKey = readFileSync(join(folder, "ca-key.pem"), "utf8");
    const fits = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
    return fits ? { certificate, privateKey } : null;
  } catch (error) {
    if (systemCode(error) === "EACCES") throw error;
    return null;
  }
}

function endsAt({ certificate }: KeyedCertificate): number {
  return Date.parse(new X509Certificate(certificate).validTo);
}

function replaceFile(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}

/** Certificates by host, made when first asked for, all with one key, renewed at half their life. */
export function leafStore(
  authority: KeyedCertificate,
  now: () => number = Date.now,
): (host: string) => KeyedCertificate {
  const keys = generateKeys();
  const leaves = new Map<string, { readonly leaf: KeyedCertificate; readonly renewAt: number }>();
  return (host) => {
    const at = now();
    const known = leaves.get(host);
    if (known !== undefined && at < known.renewAt) {
      leaves.delete(host);
      leaves.set(host, known);
      return known.leaf;
    }
    const options = { commonName: host.slice(0, 64), names: [host], days: leafDays, keys, now: at };
    const leaf = issueCertificate(authority, options);
    leaves.set(host, { leaf, renewAt: at + (leafDays / 2) * dayMs });
    const oldest = leaves.keys().next().value;
    if (leaves.size > mostLeaves && oldest !== undefined) leaves.delete(oldest);
    return leaf;
  };
}
