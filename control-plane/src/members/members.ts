import { FlowstateError } from "@flowstate/shared/errors";
import { newId, orgId, type OrgId } from "@flowstate/shared/ids";
import { parseSubject } from "@flowstate/shared/subject";
import type { Principal } from "../access/check.ts";
import { roles, type Role } from "../access/roles.ts";
import { recordAudit } from "../audit/record.ts";
import { revokeKeysOf } from "../self-service/keys.ts";
import { ownAddress } from "../self-service/person.ts";
import { isUniqueViolation, type Reader, type Writer } from "../store/open.ts";

export interface Member {
  readonly orgId: OrgId;
  readonly memberId: string;
  readonly email: string;
  readonly role: Role;
  readonly createdAt: number;
  readonly hasPassword: boolean;
}

export interface MemberChange {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

/** An e-mail address in canonical form. Throws FS_INPUT_INVALID. */
export function requireEmail(text: string): string {
  const email = parseSubject(text.trim());
  if (email.ok) return email.value;
  throw new FlowstateError("FS_INPUT_INVALID", `"${text.slice(0, 80)}" is not an e-mail address`);
}

/** A new member. Throws FS_CONFLICT when the e-mail is a member's already. */
export async function addMember(
  db: Writer,
  { orgId, actor, now }: MemberChange,
  given: { readonly email: string; readonly role: Role },
): Promise<Member> {
  const email = requireEmail(given.email);
  const memberId = newId(now);
  try {
    await db
      .insertInto("members")
      .values({
        org_id: orgId,
        member_id: memberId,
        email,
        role: given.role,
        password_hash: null,
        created_at: now,
      })
      .execute();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new FlowstateError("FS_CONFLICT", `${email} is a member already`);
  }
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "member.invited",
    target: email,
    detail: given.role,
  });
  return { orgId, memberId, email, role: given.role, createdAt: now, hasPassword: false };
}

/** Gives another role. The last owner stays an owner, because nobody else could make a new one. */
export async function changeRole(
  db: Writer,
  { orgId, actor, now }: MemberChange,
  memberId: string,
  role: Role,
): Promise<Member> {
  const member = await requireMember(db, orgId, memberId);
  if (role !== "owner") await refuseLastOwner(db, member);
  await db
    .updateTable("members")
    .set({ role })
    .where("org_id", "=", orgId)
    .where("member_id", "=", memberId)
    .execute();
  const detail = `${member.role} to ${role}`;
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "member.role_changed",
    target: member.email,
    detail,
  });
  return { ...member, role };
}

/** Removes a member with the browsers they are signed in with, and with their keys. */
export async function removeMember(
  db: Writer,
  { orgId, actor, now }: MemberChange,
  memberId: string,
): Promise<void> {
  const member = await requireMember(db, orgId, memberId);
  await refuseLastOwner(db, member);
  await db.deleteFrom("members").where("org_id", "=", orgId).where("member_id", "=", memberId).execute();
  await recordAudit(db, { orgId, at: now, actor, action: "member.removed", target: member.email });
  await revokeKeysOf(db, { orgId, actor, now }, await ownAddress(db, orgId, member.email));
}

export async function listMembers(db: Reader, orgId: OrgId): Promise<readonly Member[]> {
  const rows = await db
    .selectFrom("members")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("email")
    .execute();
  return rows.map(toMember);
}

export async function findMemberByEmail(db: Reader, orgId: OrgId, email: string): Promise<Member | null> {
  const row = await db
    .selectFrom("members")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("email", "=", email)
    .executeTakeFirst();
  return row === undefined ? null : toMember(row);
}

/** The member by identifier. Throws FS_NOT_FOUND. */
export async function requireMember(db: Reader, orgId: OrgId, memberId: string): Promise<Member> {
  const row = await db
    .selectFrom("members")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("member_id", "=", memberId)
    .executeTakeFirst();
  if (row === undefined) throw new FlowstateError("FS_NOT_FOUND", "there is no such member");
  return toMember(row);
}

export function principalOf({ orgId, memberId, email, role }: Member): Principal {
  return { kind: "member", orgId, memberId, email, role, permissions: new Set(roles[role]) };
}

async function refuseLastOwner(db: Writer, member: Member): Promise<void> {
  if (member.role !== "owner") return;
  // Locks the owners, so that two of them cannot remove each other at once.
  const owners = await db
    .updateTable("members")
    .set({ role: "owner" })
    .where("org_id", "=", member.orgId)
    .where("role", "=", "owner")
    .returning("member_id")
    .execute();
  if (owners.length === 1) {
    throw new FlowstateError("FS_CONFLICT", "this is the last owner; make somebody else an owner first");
  }
}

interface MemberRow {
  readonly org_id: string;
  readonly member_id: string;
  readonly email: string;
  readonly role: Role;
  readonly password_hash: string | null;
  readonly created_at: number;
}

function toMember(row: MemberRow): Member {
  return {
    orgId: orgId(row.org_id),
    memberId: row.member_id,
    email: row.email,
    role: row.role,
    createdAt: row.created_at,
    hasPassword: row.password_hash !== null,
  };
}
