import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Secret } from "@flowstate/shared/secret";
import type { Role } from "../../access/roles.ts";
import { recordAudit } from "../../audit/record.ts";
import type { Member, MemberChange } from "../../members/members.ts";
import type { MasterKey } from "../../secrets/master-key.ts";
import { requireCurrentKey } from "../../secrets/rotate.ts";
import type { Reader, Writer } from "../../store/open.ts";
import { sealClientSecret, unsealClientSecret } from "./client-secret.ts";

/** Owners are made by owners: an identity provider gives every other role. */
export type GivenRole = Exclude<Role, "owner">;

export interface GroupRole {
  /** As the identity provider names it in the claim. */
  readonly group: string;
  readonly role: GivenRole;
}

/** Through which identity provider an organisation signs in, and as what. */
export interface OidcSettings {
  /** Issuer identifier (OpenID Connect Core 1.0), exactly as its metadata has it. */
  readonly issuer: string;
  readonly clientId: string;
  /** Whose e-mail addresses the provider speaks for. */
  readonly emailDomains: readonly string[];
  /** Of a person whom no group below gives a role; null: such a person is refused. */
  readonly defaultRole: GivenRole | null;
  /** The claim that holds a person's groups; null: groups give no role. */
  readonly groupClaim: string | null;
  readonly groupRoles: readonly GroupRole[];
  /** Whether everybody but owners signs in here alone. */
  readonly onlyOidc: boolean;
}

export interface StoredOidcSettings extends OidcSettings {
  readonly updatedAt: number;
}

export async function readOidcSettings(db: Reader, orgId: OrgId): Promise<StoredOidcSettings | null> {
  const row = await db.selectFrom("oidc_settings").selectAll().where("org_id", "=", orgId).executeTakeFirst();
  if (row === undefined) return null;
  return {
    issuer: row.issuer,
    clientId: row.client_id,
    emailDomains: JSON.parse(row.email_domains) as readonly string[],
    defaultRole: row.default_role,
    groupClaim: row.group_claim,
    groupRoles: JSON.parse(row.group_roles) as readonly GroupRole[],
    onlyOidc: row.only_oidc === 1n,
    updatedAt: row.updated_at,
  };
}

/** Short names of the organisations that have an identity provider. */
export async function listOrgsWithOidc(db: Reader): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("oidc_settings")
    .innerJoin("orgs", "orgs.org_id", "oidc_settings.org_id")
    .select("orgs.slug")
    .execute();
  return rows.map(({ slug }) => slug);
}

/** The client secret in clear; null where no provider is set. */
export async function readClientSecret(db: Reader, orgId: OrgId, master: MasterKey): Promise<Secret | null> {
  const row = await db
    .selectFrom("oidc_settings")
    .select("sealed_secret")
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  return row === undefined ? null : unsealClientSecret(row.sealed_secret, orgId, master);
}

/** Keeps settings that were checked before. Where only the provider counts from now on, everybody but owners signs in again. */
export async function storeOidcSettings(
  db: Writer,
  { orgId, actor, now }: MemberChange,
  settings: OidcSettings,
  secret: Secret,
  master: MasterKey,
): Promise<void> {
  await requireCurrentKey(db, master);
  const before = await readOidcSettings(db, orgId);
  const values = {
    issuer: settings.issuer,
    client_id: settings.clientId,
    sealed_secret: sealClientSecret(secret, orgId, master),
    email_domains: JSON.stringify(settings.emailDomains),
    default_role: settings.defaultRole,
    group_claim: settings.groupClaim,
    group_roles: JSON.stringify(settings.groupRoles),
    only_oidc: settings.onlyOidc ? 1n : 0n,
    updated_at: now,
  };
  await db
    .insertInto("oidc_settings")
    .values({ org_id: orgId, ...values })
    .onConflict((on) => on.column("org_id").doUpdateSet(values))
    .execute();
  const detail = settings.onlyOidc ? "everybody but owners signs in here alone" : "beside other ways";
  await recordAudit(db, { orgId, at: now, actor, action: "oidc.set", target: settings.issuer, detail });
  if (settings.onlyOidc && before?.onlyOidc !== true) await signOutAllButOwners(db, orgId);
}

/** Removes the provider with the accounts that were linked through it, and says whether there was one. */
export async function removeOidcSettings(db: Writer, { orgId, actor, now }: MemberChange): Promise<boolean> {
  const removed = await db
    .deleteFrom("oidc_settings")
    .where("org_id", "=", orgId)
    .returning("issuer")
    .executeTakeFirst();
  if (removed === undefined) return false;
  await db.deleteFrom("oidc_accounts").where("org_id", "=", orgId).execute();
  await recordAudit(db, { orgId, at: now, actor, action: "oidc.removed", target: removed.issuer });
  return true;
}

/** Whether this member signs in at the identity provider alone. Owners never do: somebody must be able to undo it. */
export async function isHeldToOidc(db: Reader, { orgId, role }: Member): Promise<boolean> {
  if (role === "owner") return false;
  return (await readOidcSettings(db, orgId))?.onlyOidc === true;
}

/** Checks and tidies what somebody typed. Throws FS_INPUT_INVALID. */
export function requireOidcSettings(given: OidcSettings): OidcSettings {
  const tidy = {
    ...given,
    clientId: given.clientId.trim(),
    emailDomains: [...new Set(given.emailDomains.map((domain) => domain.trim().toLowerCase()))],
    groupClaim: given.groupClaim?.trim() ?? null,
    groupRoles: given.groupRoles.map(({ group, role }) => ({ group: group.trim(), role })),
  };
  const wrong = faultOf(tidy);
  if (wrong !== null) throw new FlowstateError("FS_INPUT_INVALID", wrong);
  return tidy;
}

function faultOf({ issuer, clientId, emailDomains, groupClaim, groupRoles }: OidcSettings): string | null {
  if (!isIssuer(issuer)) {
    return `"${issuer.slice(0, 80)}" is not an issuer: it is an https:// address without query or fragment`;
  }
  if (clientId === "" || clientId.length > 500) return "the client id takes 1 to 500 characters";
  if (emailDomains.length === 0 || emailDomains.length > 100) {
    return "name 1 to 100 e-mail domains for which the identity provider speaks, e.g. example.com";
  }
  const stranger = emailDomains.find((domain) => !/^(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}$/.test(domain));
  if (stranger !== undefined) return `"${stranger.slice(0, 80)}" is not an e-mail domain such as example.com`;
  if (groupClaim !== null && !/^[\w:./-]{1,200}$/.test(groupClaim)) {
    return "the group claim takes the name of a claim, e.g. groups";
  }
  if ((groupClaim === null) !== (groupRoles.length === 0)) {
    return "a group claim and the roles of its groups are set together or not at all";
  }
  if (groupRoles.length > 100) return "at most 100 groups give a role";
  const groups = groupRoles.map(({ group }) => group);
  if (groups.some((group) => group === "" || group.length > 200)) {
    return "a group takes 1 to 200 characters";
  }
  return new Set(groups).size < groups.length ? "a group gives one role" : null;
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || text.length > 500) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return protocol === "https:" && search + hash + username + password === "" && !/[?#]/.test(text);
}

async function signOutAllButOwners(db: Writer, orgId: OrgId): Promise<void> {
  await db
    .deleteFrom("logins")
    .where("org_id", "=", orgId)
    .where("member_id", "in", (members) =>
      members
        .selectFrom("members")
        .select("member_id")
        .where("org_id", "=", orgId)
        .where("role", "!=", "owner"),
    )
    .execute();
}
