import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";

/** The authority behind every server of these tests. */
export const authority = createAuthority({ commonName: "Test authority", days: 10 });

export function certificateFor(...names: readonly [string, ...string[]]): {
  readonly cert: string;
  readonly key: string;
} {
  const leaf = issueCertificate(authority, { commonName: names[0], names, days: 5 });
  return { cert: leaf.certificate, key: leaf.privateKey };
}
