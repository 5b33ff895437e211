import type { Clock } from "@flowstate/shared/clock";
import { orgId } from "@flowstate/shared/ids";
import type { Secret } from "@flowstate/shared/secret";
import { addMember, requireEmail, requireMember } from "../members/members.ts";
import { foundOrg, listOrgs } from "../orgs/orgs.ts";
import type { Store } from "../store/open.ts";
import { createSignInLink, storePassword } from "./logins.ts";
import { hashPassword } from "./password.ts";

export interface FirstOwner {
  readonly email: string | null;
  readonly password: Secret | null;
}

const unnamedOwner = "owner@flowstate.invalid";

/** The first start makes the organisation `default` and its owner, with the password that automation may give. */
export async function bootstrap(store: Store, owner: FirstOwner, clock: Clock): Promise<void> {
  if ((await listOrgs(store.reader)).length > 0) return;
  const email = requireEmail(owner.email ?? unnamedOwner);
  const passwordHash = owner.password === null ? null : await hashPassword(owner.password);
  const now = clock.now();
  try {
    await store.transact(async (db) => {
      const orgId = await foundOrg(db, { slug: "default", actor: "first start", now });
      const change = { orgId, actor: "first start", now };
      const member = await addMember(db, change, { email, role: "owner" });
      if (passwordHash !== null) await storePassword(db, member, passwordHash, now);
    });
  } catch (error) {
    // Another control plane that started at the same moment was first.
    if ((await listOrgs(store.reader)).length === 0) throw error;
  }
}

/** The first owner's way in: one link in the life of an installation that nobody has a password for; else null. */
export async function offerFirstLink(store: Store, clock: Clock): Promise<Secret | null> {
  return store.transact(async (db) => {
    const link = await db.selectFrom("sign_in_links").select("link_hash").limit(1).executeTakeFirst();
    const password = await db
      .selectFrom("members")
      .select("member_id")
      .where("password_hash", "is not", null)
      .limit(1)
      .executeTakeFirst();
    if (link !== undefined || password !== undefined) return null;
    const owner = await db
      .selectFrom("members")
      .select(["org_id", "member_id"])
      .where("role", "=", "owner")
      .orderBy("created_at")
      .limit(1)
      .executeTakeFirst();
    if (owner === undefined) return null;
    const member = await requireMember(db, orgId(owner.org_id), owner.member_id);
    return createSignInLink(db, member, clock.now());
  });
}
