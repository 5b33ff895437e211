import { hash } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import { hashKey } from "@flowstate/shared/keys";
import { Secret } from "@flowstate/shared/secret";
import type { MasterKey } from "../secrets/master-key.ts";
import { seal, unseal, type Sealed, type SealedFor } from "../secrets/seal.ts";
import type { Credentials } from "./connector.ts";

export function credentialsOwner(orgId: string, providerId: string): SealedFor {
  return { orgId, record: `usage_providers/${providerId}` };
}

export function sealCredentials(
  credentials: Credentials,
  { orgId, providerId }: { readonly orgId: OrgId; readonly providerId: string },
  master: MasterKey,
): Sealed {
  return seal(new Secret(inClear(credentials)), credentialsOwner(orgId, providerId), master);
}

export function unsealCredentials(
  sealed: string,
  { orgId, providerId }: { readonly orgId: OrgId; readonly providerId: string },
  master: MasterKey,
): Credentials {
  const clear = unseal(sealed as Sealed, credentialsOwner(orgId, providerId), master).reveal();
  const values = JSON.parse(clear) as Readonly<Record<string, string>>;
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)]));
}

/** By which the same credentials are recognised; null where there are none. Nothing can be learnt from it without the pepper. */
export function hashCredentials(credentials: Credentials, pepper: Buffer): string | null {
  if (Object.keys(credentials).length === 0) return null;
  return hashKey(hash("sha256", inClear(credentials), "hex"), pepper);
}

function inClear(credentials: Credentials): string {
  const names = Object.keys(credentials).sort();
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, credentials[name]?.reveal()])));
}
