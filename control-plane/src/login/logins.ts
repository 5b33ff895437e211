import { hash, randomBytes } from "node:crypto";
import { orgId, type OrgId } from "@flowstate/shared/ids";
import { Secret } from "@flowstate/shared/secret";
import { dayMs, hourMs } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { requireMember, type Member } from "../members/members.ts";
import type { Reader, Store, Writer } from "../store/open.ts";
import { hashPassword, verifyPassword } from "./password.ts";

export const loginLifetime = { idleMs: 12 * hourMs, absoluteMs: 7 * dayMs, linkMs: dayMs } as const;

/** Seen times are written no more often than this. */
const seenEveryMs = 60_000;

/** Soon after signing in one may change how one signs in; later one signs in again. */
const freshMs = 10 * 60_000;

/** By what somebody showed who they are. */
export type SignInMethod = "password" | "link" | "passkey" | "oidc";

/** Opens a login for a browser; the secret is the cookie's value and is stored only as its hash. */
export async function startLogin(db: Writer, member: Member, by: SignInMethod, now: number): Promise<Secret> {
  const secret = newSecret();
  await db
    .insertInto("logins")
    .values({
      org_id: member.orgId,
      login_hash: hashOf(secret),
      member_id: member.memberId,
      created_at: now,
      seen_at: now,
      expires_at: now + loginLifetime.absoluteMs,
    })
    .execute();
  await db.deleteFrom("logins").where("expires_at", "<=", now).execute();
  const { orgId, email } = member;
  await recordAudit(db, { orgId, at: now, actor: email, action: "member.signed_in", detail: by });
  return secret;
}

export interface Login {
  readonly member: Member;
  readonly startedAt: number;
}

export function isFresh(login: Login | null, now: number): login is Login {
  return login !== null && login.startedAt > now - freshMs;
}

/** The member behind a cookie, while neither 12 h idle nor 7 days old. */
export async function findLogin(store: Store, cookie: Secret, now: number): Promise<Login | null> {
  const row = await store.reader
    .selectFrom("logins")
    .select(["org_id", "member_id", "created_at", "seen_at", "login_hash"])
    .where("login_hash", "=", hashOf(cookie))
    .where("expires_at", ">", now)
    .where("seen_at", ">", now - loginLifetime.idleMs)
    .executeTakeFirst();
  if (row === undefined) return null;
  if (row.seen_at < now - seenEveryMs) {
    await store.transact((db) =>
      db.updateTable("logins").set({ seen_at: now }).where("login_hash", "=", row.login_hash).execute(),
    );
  }
  const member = await requireMember(store.reader, orgId(row.org_id), row.member_id);
  return { member, startedAt: row.created_at };
}

export async function endLogin(db: Writer, cookie: Secret, now: number): Promise<void> {
  const ended = await db
    .deleteFrom("logins")
    .where("login_hash", "=", hashOf(cookie))
    .returning(["org_id", "member_id"])
    .executeTakeFirst();
  if (ended === undefined) return;
  const member = await requireMember(db, orgId(ended.org_id), ended.member_id);
  await recordAudit(db, { orgId: member.orgId, at: now, actor: member.email, action: "member.signed_out" });
}

/** Ends every login of the member but the one behind this cookie. */
export async function endOtherLogins(db: Writer, { orgId, memberId }: Member, kept: Secret): Promise<void> {
  await db
    .deleteFrom("logins")
    .where("org_id", "=", orgId)
    .where("member_id", "=", memberId)
    .where("login_hash", "!=", hashOf(kept))
    .execute();
}

/** A link that signs the member in once, within 24 hours; the secret stands in the link alone. */
export async function createSignInLink(db: Writer, member: Member, now: number): Promise<Secret> {
  const secret = newSecret();
  await db
    .insertInto("sign_in_links")
    .values({
      org_id: member.orgId,
      link_hash: hashOf(secret),
      member_id: member.memberId,
      created_at: now,
      expires_at: now + loginLifetime.linkMs,
      used_at: null,
    })
    .execute();
  return secret;
}

/** Spends the link; null when it is unknown, spent or too old. */
export async function spendSignInLink(db: Writer, link: Secret, now: number): Promise<Member | null> {
  const spent = await db
    .updateTable("sign_in_links")
    .set({ used_at: now })
    .where("link_hash", "=", hashOf(link))
    .where("used_at", "is", null)
    .where("expires_at", ">", now)
    .returning(["org_id", "member_id"])
    .executeTakeFirst();
  return spent === undefined ? null : requireMember(db, orgId(spent.org_id), spent.member_id);
}

/** Sets a password and ends every login that the member has, because one of them may be a thief's. */
export async function setPassword(
  store: Store,
  member: Member,
  password: Secret,
  now: number,
): Promise<void> {
  const passwordHash = await hashPassword(password);
  await store.transact((db) => storePassword(db, member, passwordHash, now));
}

export async function storePassword(
  db: Writer,
  { orgId, memberId, email }: Member,
  passwordHash: string,
  now: number,
): Promise<void> {
  await db
    .updateTable("members")
    .set({ password_hash: passwordHash })
    .where("org_id", "=", orgId)
    .where("member_id", "=", memberId)
    .execute();
  await db.deleteFrom("logins").where("org_id", "=", orgId).where("member_id", "=", memberId).execute();
  await recordAudit(db, { orgId, at: now, actor: email, action: "member.password_set" });
}

/** The member whose e-mail and password these are, or null. An unknown e-mail takes as long as a wrong password. */
export async function findByPassword(
  db: Reader,
  orgId: OrgId,
  email: string,
  password: Secret,
): Promise<Member | null> {
  const row = await db
    .selectFrom("members")
    .select(["member_id", "password_hash"])
    .where("org_id", "=", orgId)
    .where("email", "=", email)
    .executeTakeFirst();
  const right = await verifyPassword(password, row?.password_hash ?? null);
  return right && row !== undefined ? requireMember(db, orgId, row.member_id) : null;
}

/** Reads a cookie's or a link's value. */
export function parseLoginSecret(text: string): Secret | null {
  return /^[\w-]{43}$/.test(text) ? new Secret(text) : null;
}

function newSecret(): Secret {
  return new Secret(randomBytes(32).toString("base64url"));
}

function hashOf(secret: Secret): string {
  return hash("sha256", secret.reveal(), "hex");
}
