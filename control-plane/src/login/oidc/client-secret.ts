import type { Secret } from "@flowstate/shared/secret";
import type { MasterKey } from "../../secrets/master-key.ts";
import { seal, unseal, type Sealed, type SealedFor } from "../../secrets/seal.ts";

export function clientSecretOwner(orgId: string): SealedFor {
  return { orgId, record: "oidc_settings/client_secret" };
}

export function sealClientSecret(secret: Secret, orgId: string, master: MasterKey): Sealed {
  return seal(secret, clientSecretOwner(orgId), master);
}

export function unsealClientSecret(sealed: string, orgId: string, master: MasterKey): Secret {
  return unseal(sealed as Sealed, clientSecretOwner(orgId), master);
}
