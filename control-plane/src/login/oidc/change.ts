import { FlowstateError } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";
import type { MemberChange } from "../../members/members.ts";
import type { MasterKey } from "../../secrets/master-key.ts";
import type { Store } from "../../store/open.ts";
import type { OidcClient } from "./client.ts";
import {
  readClientSecret,
  readOidcSettings,
  requireOidcSettings,
  storeOidcSettings,
  type OidcSettings,
  type StoredOidcSettings,
} from "./settings.ts";

export interface OidcServices {
  readonly store: Store;
  readonly master: MasterKey;
  readonly oidc: OidcClient;
}

/**
 * Sets the organisation's identity provider, once its metadata could be read. Without a secret the one that is stored
 * stays, as long as the issuer does: no other provider is shown it. Throws FS_INPUT_INVALID,
 * FS_NOT_FOUND, FS_UPSTREAM.
 */
export async function setOidc(
  { store, master, oidc }: OidcServices,
  change: MemberChange,
  given: OidcSettings,
  secret: Secret | null,
): Promise<StoredOidcSettings> {
  const settings = requireOidcSettings(given);
  const { orgId } = change;
  const before = await readOidcSettings(store.reader, orgId);
  const kept =
    before?.issuer === settings.issuer ? await readClientSecret(store.reader, orgId, master) : null;
  const used = secret ?? kept;
  if (used === null) {
    throw new FlowstateError(
      "FS_NOT_FOUND",
      "no client secret of this issuer is stored: give the one it gave out",
    );
  }
  if (used.reveal() === "") throw new FlowstateError("FS_INPUT_INVALID", "the client secret is empty");
  await oidc.prove(settings);
  await store.transact((db) => storeOidcSettings(db, change, settings, used, master));
  return { ...settings, updatedAt: change.now };
}
