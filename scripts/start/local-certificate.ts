import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority, issueCertificate, type KeyedCertificate } from "@flowstate/shared/tls/certificate";
import { dayMs } from "@flowstate/shared/time";

const authorityDays = 3650;
const leafDays = 397;
const renewBeforeDays = 30;

export interface LocalCertificate {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/**
 * A certificate for the proxy, signed by an authority of this installation, both under `<folder>`. The authority is
 * made once and kept, for devices trust it; the certificate is made again when it nears its end or lacks a name.
 */
export function ensureLocalCertificate(
  folder: string,
  names: readonly string[],
  now = Date.now(),
): LocalCertificate {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const caFile = join(folder, "ca.pem");
  const certificateFile = join(folder, "proxy.pem");
  const keyFile = join(folder, "proxy-key.pem");
  const authority =
    read(caFile, join(folder, "ca-key.pem")) ??
    keep(
      createAuthority({
        commonName: `Flowstate local authority ${new Date(now).getUTCFullYear()}`,
        days: authorityDays,
        now,
      }),
      caFile,
      join(folder, "ca-key.pem"),
    );
  const current = read(certificateFile, keyFile);
  if (current === null || !serves(current.certificate, authority.certificate, names, now)) {
    const leaf = issueCertificate(authority, {
      commonName: names[0] ?? "localhost",
      names,
      days: leafDays,
      now,
    });
    keep(
      { certificate: leaf.certificate + authority.certificate, privateKey: leaf.privateKey },
      certificateFile,
      keyFile,
    );
  }
  return { caFile, certificateFile, keyFile };
}

function serves(certificate: string, authority: string, names: readonly string[], now: number): boolean {
  const leaf = new X509Certificate(certificate);
  const issuer = new X509Certificate(authority);
  return (
    leaf.verify(issuer.publicKey) &&
    Date.parse(leaf.validTo) - now > renewBeforeDays * dayMs &&
    names.every((name) => (leaf.checkHost(name) ?? leaf.checkIP(name)) !== undefined)
  );
}

function read(certificateFile: string, keyFile: string): KeyedCertificate | null {
  if (!existsSync(certificateFile) || !existsSync(keyFile)) return null;
  return { certificate: readFileSync(certificateFile, "utf8"), privateKey: readFileSync(keyFile, "utf8") };
}

/** Key first and each by rename, so that a crash in between leaves no certificate without its key. */
function keep(pair: KeyedCertificate, certificateFile: string, keyFile: string): KeyedCertificate {
  for (const [file, text, mode] of [
    [keyFile, pair.privateKey, 0o600],
    [certificateFile, pair.certificate, 0o644],
  ] as const) {
    writeFileSync(`${file}.new`, text, { mode });
    renameSync(`${file}.new`, file);
  }
  return pair;
}
