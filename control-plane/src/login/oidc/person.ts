import { parseSubject } from "@flowstate/shared/subject";
import { roleNames } from "../../access/roles.ts";
import type { GivenRole, OidcSettings } from "./settings.ts";

/** Somebody as the identity provider describes them. */
export interface Person {
  /** The provider's own name for them, which never changes and is never given to another. */
  readonly subject: string;
  /** In canonical form, and vouched for by the provider; null where it does not. */
  readonly email: string | null;
  readonly groups: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * Reads the claims of an ID token and of the userinfo endpoint, which speak of the same subject. An e-mail counts when
 * the source that names it says in `email_verified` that it is the person's (OpenID Connect Core 1.0, section 5.1), or
 * in `xms_edov`, which Microsoft Entra ID sends in its place.
 */
export function readPerson(
  idToken: Claims,
  userinfo: Claims | null,
  groupClaim: string | null,
): Person | null {
  const { sub } = idToken;
  if (typeof sub !== "string" || sub === "" || sub.length > 255) return null;
  const groups = groupClaim === null ? [] : (idToken[groupClaim] ?? userinfo?.[groupClaim]);
  return {
    subject: sub,
    email: verifiedEmail(idToken) ?? verifiedEmail(userinfo ?? {}),
    groups: (Array.isArray(groups) ? groups : [groups]).filter((group) => typeof group === "string"),
  };
}

const yes: ReadonlySet<unknown> = new Set([true, "true", 1, "1"]);

function verifiedEmail({ email, email_verified, xms_edov }: Claims): string | null {
  if (typeof email !== "string" || !(yes.has(email_verified) || yes.has(xms_edov))) return null;
  const canonical = parseSubject(email);
  return canonical.ok ? canonical.value : null;
}

/** Whether the provider may speak for this e-mail address. Subdomains are other domains. */
export function isOfDomain(email: string, { emailDomains }: Pick<OidcSettings, "emailDomains">): boolean {
  return emailDomains.includes(email.slice(email.lastIndexOf("@") + 1));
}

/** The role that a person's groups give, the highest of several, else the default; null where there is neither. */
export function roleOf(
  groups: readonly string[],
  { groupRoles, defaultRole }: Pick<OidcSettings, "groupRoles" | "defaultRole">,
): GivenRole | null {
  const given = groupRoles.filter(({ group }) => groups.includes(group)).map(({ role }) => role);
  const [highest] = given.sort((one, two) => roleNames.indexOf(one) - roleNames.indexOf(two));
  return highest ?? defaultRole;
}
