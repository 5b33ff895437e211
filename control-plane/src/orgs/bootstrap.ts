import type { Clock } from "@flowstate/shared/clock";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import type { Secret } from "@flowstate/shared/secret";
import { recordAudit } from "../audit/record.ts";
import { createSignInLink, setPassword } from "../login/logins.ts";
import { addMember, requireEmail, type Member } from "../members/members.ts";
import { isUniqueViolation, type Store, type Writer } from "../store/open.ts";
import { createOrg, listOrgs } from "./orgs.ts";

export interface FirstOwner {
  readonly email: string | null;
  readonly password: Secret | null;
}

const unnamedOwner = "owner@flowstate.invalid";

/**
 * The first start makes the organisation `default` and its owner. Returns the secret of a one-time sign-in link, or
 * null where nothing was made or a password was given.
 */
export async function bootstrap(store: Store, owner: FirstOwner, clock: Clock): Promise<Secret | null> {
  if ((await listOrgs(store.reader)).length > 0) return null;
  const email = requireEmail(owner.email ?? unnamedOwner);
  const now = clock.now();
  const made = await makeDefault(store, email, owner.password === null, now);
  if (made === null || owner.password === null) return made?.link ?? null;
  await setPassword(store, made.member, owner.password, now);
  return null;
}

async function makeDefault(store: Store, email: string, withLink: boolean, now: number) {
  try {
    return await store.transact(async (db) => {
      const orgId = await foundOrg(db, { slug: "default", actor: "first start", now });
      const member: Member = await addMember(
        db,
        { orgId, actor: "first start", now },
        { email, role: "owner" },
      );
      return { member, link: withLink ? await createSignInLink(db, member, now) : null };
    });
  } catch (error) {
    // Another control plane started at the same moment and was first.
    if (isUniqueViolation(error) || (await listOrgs(store.reader)).length > 0) return null;
    throw error;
  }
}

/** A new organisation with the first entry of its audit log. */
export async function foundOrg(
  db: Writer,
  { slug, actor, now }: { readonly slug: string; readonly actor: string; readonly now: number },
): Promise<OrgId> {
  const orgId = newOrgId();
  await createOrg(db, { orgId, slug, now });
  await recordAudit(db, { orgId, at: now, actor, action: "org.created", target: slug });
  return orgId;
}
