import { parseKey } from "@flowstate/shared/keys";
import { parseBasicCredential } from "@flowstate/shared/net/basic-auth";
import { parseSubject, type Subject } from "@flowstate/shared/subject";
import type { RefusalReason } from "@flowstate/shared/wire/meter";
import type { Keyring } from "./keyring.ts";

export interface Identity {
  readonly orgId: string;
  readonly keyId: string;
  readonly subject: string;
}

export type Authentication =
  | { readonly kind: "identified"; readonly identity: Identity }
  /**
   * 407. `keyHint` names the key that was tried, for throttling; null where none was presented. `mayBeNew` is a key
   * of good form that the snapshot lacks.
   */
  | {
      readonly kind: "challenge";
      readonly reason: RefusalReason;
      readonly hint: string;
      readonly keyHint: string | null;
      readonly mayBeNew: boolean;
    }
  /** No snapshot yet, or one too old to be trusted: nobody can be let in, and nobody should be told that his key is wrong. */
  | { readonly kind: "not_ready" };

/**
 * Turns the Proxy-Authorization field into a subject (RFC 7617). An organisation's key takes the person's e-mail as
 * the user name; a key that is bound to an owner speaks for that owner, whatever the user name says. A client
 * certificate stands in for a credential that was not sent. Never throws.
 */
export function authenticate(
  field: string | undefined,
  certified: Subject | null,
  keyring: Keyring,
): Authentication {
  if (keyring.revision === null || keyring.stale) return { kind: "not_ready" };
  if (field === undefined && certified !== null && keyring.orgId !== null) {
    const identity = { orgId: keyring.orgId, keyId: "certificate", subject: certified };
    return { kind: "identified", identity };
  }
  if (field === undefined)
    return challenge(
      "missing",
      "send Basic credentials: the person's e-mail and the organisation's key",
      null,
    );
  const credential = parseBasicCredential(field);
  if (!credential.ok) return challenge("malformed", credential.detail, null);
  const { user, password } = credential.value;
  const key = parseKey(password);
  if (!key.ok) return challenge("unknown_key", unknownKey, password === "" ? null : user);
  const active = keyring.find(password);
  if (active === null) return { ...challenge("unknown_key", unknownKey, key.value.keyId), mayBeNew: true };
  const { orgId, keyId } = active;
  if (active.kind !== "org") {
    return { kind: "identified", identity: { orgId, keyId, subject: active.subject ?? `key:${keyId}` } };
  }
  const subject = parseSubject(user);
  if (subject.ok) return { kind: "identified", identity: { orgId, keyId, subject: subject.value } };
  return challenge(subject.reason === "placeholder" ? "placeholder" : "not_an_email", subject.detail, null);
}

/** One text for a misspelt, unknown and revoked key: which it was is nobody's business but the admin's. */
const unknownKey = "this key is not active; fetch the current one from your MDM or your admin";

function challenge(
  reason: RefusalReason,
  hint: string,
  keyHint: string | null,
): Extract<Authentication, { kind: "challenge" }> {
  return { kind: "challenge", reason, hint, keyHint, mayBeNew: false };
}
