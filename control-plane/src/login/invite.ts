import { FlowstateError } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";
import type { Role } from "../access/roles.ts";
import { recordAudit } from "../audit/record.ts";
import {
  addMember,
  findMemberByEmail,
  requireEmail,
  type Member,
  type MemberChange,
} from "../members/members.ts";
import type { Writer } from "../store/open.ts";
import { createSignInLink } from "./logins.ts";

/**
 * A new member with a one-time sign-in link, or another link for a member who is there already with that role. Inviting
 * is no way to change a role: that is refused with FS_CONFLICT.
 */
export async function inviteMember(
  db: Writer,
  change: MemberChange,
  given: { readonly email: string; readonly role: Role },
): Promise<{ readonly member: Member; readonly link: Secret }> {
  const known = await findMemberByEmail(db, change.orgId, requireEmail(given.email));
  if (known !== null && known.role !== given.role) {
    throw new FlowstateError(
      "FS_CONFLICT",
      `${known.email} is a member already, with the role ${known.role}`,
    );
  }
  const member = known ?? (await addMember(db, change, given));
  if (known !== null) {
    const { orgId, now, actor } = change;
    await recordAudit(db, { orgId, at: now, actor, action: "member.link_created", target: member.email });
  }
  return { member, link: await createSignInLink(db, member, change.now) };
}

/** The link that is given to the member. Its page asks for a click before it is spent. */
export function signInLink(publicUrl: URL, link: Secret): string {
  return new URL(`/sign-in/link/${link.reveal()}`, publicUrl).href;
}
