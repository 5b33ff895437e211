import type { OrgId } from "@flowstate/shared/ids";
import { recordAudit } from "../../audit/record.ts";
import {
  addMember,
  changeRole,
  findMemberByEmail,
  requireMember,
  type Member,
} from "../../members/members.ts";
import type { Reader, Writer } from "../../store/open.ts";
import { isOfDomain, roleOf, type Person } from "./person.ts";
import type { OidcSettings } from "./settings.ts";

export type Admittance =
  | { readonly kind: "admitted"; readonly member: Member }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** Why somebody whom the provider knows is not let in, as they read it. */
export const refusals = {
  no_email: "Your identity provider does not vouch for an e-mail address of yours.",
  other_domain: "Your e-mail address is of a domain that may not sign in here.",
  other_account: "Another account of your identity provider has your e-mail address here. Ask an owner.",
  no_role: "Nobody has given you a role here. Ask an owner.",
} as const;

export type RefusalReason = keyof typeof refusals;

/** How the identity provider stands in the audit log. */
const actor = "identity provider";

/**
 * The member a person is: whom the provider's name for them was linked with before, else whoever has their e-mail
 * address, else a new one. Where groups give roles they do at each sign-in, but never to an owner and never taking one.
 */
export async function admitPerson(
  db: Writer,
  orgId: OrgId,
  settings: OidcSettings,
  person: Person,
  now: number,
): Promise<Admittance> {
  const { email, subject } = person;
  if (email === null) return refused(db, orgId, "no_email", subject, now);
  if (!isOfDomain(email, settings)) return refused(db, orgId, "other_domain", email, now);
  await oneAtATime(db, orgId);
  const { issuer } = settings;
  const change = { orgId, actor, now };
  const role = roleOf(person.groups, settings);

  const linked = await findLinked(db, orgId, issuer, subject);
  const known = linked ?? (await findMemberByEmail(db, orgId, email));
  if (known === null) {
    if (role === null) return refused(db, orgId, "no_role", email, now);
    const member = await addMember(db, change, { email, role });
    await link(db, member, { issuer, subject }, now);
    return { kind: "admitted", member };
  }
  if (linked === null) {
    if (await hasAccount(db, known, issuer)) return refused(db, orgId, "other_account", email, now);
    await link(db, known, { issuer, subject }, now);
  }
  if (settings.groupClaim === null || known.role === "owner" || known.role === role) {
    return { kind: "admitted", member: known };
  }
  if (role === null) return refused(db, orgId, "no_role", email, now);
  return { kind: "admitted", member: await changeRole(db, change, known.memberId, role) };
}

/** Holds the provider's row, so that somebody who comes twice at the same moment finds themselves the second time. */
async function oneAtATime(db: Writer, orgId: OrgId): Promise<void> {
  await db.updateTable("oidc_settings").set({ org_id: orgId }).where("org_id", "=", orgId).execute();
}

async function refused(
  db: Writer,
  orgId: OrgId,
  reason: RefusalReason,
  target: string,
  now: number,
): Promise<Admittance> {
  const detail = reason.replace("_", " ");
  await recordAudit(db, { orgId, at: now, actor, action: "member.refused", target, detail });
  return { kind: "refused", reason };
}

async function findLinked(db: Writer, orgId: OrgId, issuer: string, subject: string): Promise<Member | null> {
  const row = await db
    .selectFrom("oidc_accounts")
    .select("member_id")
    .where("org_id", "=", orgId)
    .where("issuer", "=", issuer)
    .where("subject", "=", subject)
    .executeTakeFirst();
  return row === undefined ? null : requireMember(db, orgId, row.member_id);
}

async function hasAccount(db: Reader, { orgId, memberId }: Member, issuer: string): Promise<boolean> {
  const row = await db
    .selectFrom("oidc_accounts")
    .select("subject")
    .where("org_id", "=", orgId)
    .where("issuer", "=", issuer)
    .where("member_id", "=", memberId)
    .executeTakeFirst();
  return row !== undefined;
}

async function link(
  db: Writer,
  { orgId, memberId, email }: Member,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
  now: number,
): Promise<void> {
  await db
    .insertInto("oidc_accounts")
    .values({ org_id: orgId, issuer, subject, member_id: memberId, linked_at: now })
    .execute();
  await recordAudit(db, { orgId, at: now, actor, action: "member.linked", target: email, detail: issuer });
}
