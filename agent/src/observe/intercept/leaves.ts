import { dayMs } from "@flowstate/shared/time";
import type { KeyedCertificate, KeyPair } from "@flowstate/shared/tls/certificate";

const leafDays = 30;
const mostLeaves = 512;

/**
 * Certificates by host, made when first asked for, all with one key, renewed at half their life. What makes them is
 * loaded with the first: it is 2 MB of an agent that waits for work.
 */
export function leafStore(
  authority: KeyedCertificate,
  now: () => number = Date.now,
): (host: string) => Promise<KeyedCertificate> {
  let keys: KeyPair | undefined;
  const leaves = new Map<string, { readonly leaf: KeyedCertificate; readonly renewAt: number }>();
  return async (host) => {
    const { generateKeys, issueCertificate } = await import("@flowstate/shared/tls/certificate");
    const at = now();
    const known = leaves.get(host);
    if (known !== undefined && at < known.renewAt) {
      leaves.delete(host);
      leaves.set(host, known);
      return known.leaf;
    }
    keys ??= generateKeys();
    const options = { commonName: host.slice(0, 64), names: [host], days: leafDays, keys, now: at };
    const leaf = issueCertificate(authority, options);
    leaves.set(host, { leaf, renewAt: at + (leafDays / 2) * dayMs });
    const oldest = leaves.keys().next().value;
    if (leaves.size > mostLeaves && oldest !== undefined) leaves.delete(oldest);
    return leaf;
  };
}
