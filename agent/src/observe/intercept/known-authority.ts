import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "@flowstate/shared/errors";
import { dayMs } from "@flowstate/shared/time";
import type { KeyedCertificate } from "@flowstate/shared/tls/certificate";

/** A leaf must not live longer than who signed it. */
const leastMs = 30 * dayMs;

/** Null where there is none, where its two files do not belong together, or where it ends within 30 days. */
export function readAuthority(folder: string, now: number): KeyedCertificate | null {
  try {
    const certificate = readFileSync(join(folder, "ca.pem"), "utf8");
    const privateKey = readFileSync(join(folder, "ca-key.pem"), "utf8");
    const read = new X509Certificate(certificate);
    const fits = read.checkPrivateKey(createPrivateKey(privateKey));
    return fits && Date.parse(read.validTo) - now > leastMs ? { certificate, privateKey } : null;
  } catch (error) {
    if (systemCode(error) === "EACCES") throw error;
    return null;
  }
}
