import type { KoaContextWithOIDC } from "oidc-provider";
import type { Clock } from "@flowstate/shared/clock";
import { recordAudit } from "../audit/record.ts";
import type { Store } from "../store/open.ts";
import { memberOfAccount } from "../members/account.ts";

/**
 * Notes in the organisation's audit log why a grant ends with all its tokens, where the client has not given it back
 * itself: somebody presents a spent code or refresh token again, as who has stolen one does. The server asks before it
 * ends one, and is always allowed to.
 */
export function createRevocationPolicy(
  store: Store,
  clock: Clock,
): (context: KoaContextWithOIDC) => Promise<boolean> {
  return async ({ oidc }) => {
    const { route, entities, params, client, provider } = oidc;
    if (route !== "token") return true;
    const spent =
      entities.RefreshToken ??
      (await provider.AuthorizationCode.find(String(params?.["code"]), { ignoreExpiration: true }));
    const member = await memberOfAccount(store.reader, spent?.accountId ?? "");
    if (spent === undefined || member === null) return true;
    await store.transact((db) =>
      recordAudit(db, {
        orgId: member.orgId,
        at: clock.now(),
        actor: "authorization server",
        action: "oauth_client.disconnected",
        target: (client?.clientName ?? client?.clientId ?? "").slice(0, 200),
        detail: `a spent ${spent.kind === "RefreshToken" ? "refresh token" : "code"} of ${member.email} was presented again`,
      }),
    );
    return true;
  };
}
