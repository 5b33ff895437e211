import { FlowstateError } from "@flowstate/shared/errors";
import { recordAudit } from "../audit/record.ts";
import type { Member } from "../members/members.ts";
import { isUniqueViolation, type Reader, type Writer } from "../store/open.ts";

export interface Passkey {
  readonly credentialId: string;
  readonly name: string;
  /** COSE_Key in base64url. */
  readonly publicKey: string;
  readonly signCount: number;
  /** Whether its maker may copy it to the person's other devices, and whether that has happened. */
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  readonly transports: readonly string[];
  readonly createdAt: number;
  readonly usedAt: number | null;
}

/** What an authenticator says of a passkey in each ceremony. */
export type Proof = Pick<Passkey, "signCount" | "backupEligible" | "backedUp">;

const most = 20;
const longestName = 60;

/** How a person calls a passkey. Throws FS_INPUT_INVALID. */
export function requirePasskeyName(text: string): string {
  const name = text.trim();
  if (name !== "" && name.length <= longestName) return name;
  throw new FlowstateError(
    "FS_INPUT_INVALID",
    `a passkey takes a name of 1 to ${longestName} characters by which you know it again`,
  );
}

export async function listPasskeys(
  db: Reader,
  { orgId, memberId }: Pick<Member, "orgId" | "memberId">,
): Promise<readonly Passkey[]> {
  const rows = await db
    .selectFrom("passkeys")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("member_id", "=", memberId)
    .orderBy("created_at")
    .orderBy("credential_id")
    .execute();
  return rows.map((row) => ({
    credentialId: row.credential_id,
    name: row.name,
    publicKey: row.public_key,
    signCount: Number(row.sign_count),
    backupEligible: row.backup_eligible === 1n,
    backedUp: row.backed_up === 1n,
    transports: JSON.parse(row.transports) as readonly string[],
    createdAt: row.created_at,
    usedAt: row.used_at,
  }));
}

/** Keeps a new passkey. Throws FS_CONFLICT when it is somebody's already or the member has too many. */
export async function addPasskey(
  db: Writer,
  member: Member,
  passkey: Omit<Passkey, "createdAt" | "usedAt">,
  now: number,
): Promise<void> {
  const { orgId, memberId, email } = member;
  if ((await listPasskeys(db, member)).length >= most) {
    throw new FlowstateError("FS_CONFLICT", `you have ${most} passkeys; remove one that you do not use`);
  }
  try {
    await db
      .insertInto("passkeys")
      .values({
        org_id: orgId,
        credential_id: passkey.credentialId,
        member_id: memberId,
        name: passkey.name,
        public_key: passkey.publicKey,
        sign_count: BigInt(passkey.signCount),
        backup_eligible: passkey.backupEligible ? 1n : 0n,
        backed_up: passkey.backedUp ? 1n : 0n,
        transports: JSON.stringify(passkey.transports),
        created_at: now,
        used_at: null,
      })
      .execute();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new FlowstateError("FS_CONFLICT", "this passkey is there already");
  }
  await recordAudit(db, { orgId, at: now, actor: email, action: "passkey.added", target: passkey.name });
}

/** Removes one of the member's own, and says whether there was one. */
export async function removePasskey(
  db: Writer,
  { orgId, memberId, email }: Member,
  credentialId: string,
  now: number,
): Promise<boolean> {
  const removed = await db
    .deleteFrom("passkeys")
    .where("org_id", "=", orgId)
    .where("member_id", "=", memberId)
    .where("credential_id", "=", credentialId)
    .returning("name")
    .executeTakeFirst();
  if (removed === undefined) return false;
  await recordAudit(db, { orgId, at: now, actor: email, action: "passkey.removed", target: removed.name });
  return true;
}

/**
 * Takes note that a passkey was used, or says why it must not be: a counter that did not grow tells of a copy, and
 * whether a passkey may be copied never changes (Web Authentication Level 3, section 7.2).
 */
export async function usePasskey(
  db: Writer,
  { orgId, memberId, email }: Member,
  { credentialId, name }: Pick<Passkey, "credentialId" | "name">,
  { signCount, backupEligible, backedUp }: Proof,
  now: number,
): Promise<boolean> {
  const used = await db
    .updateTable("passkeys")
    .set({ sign_count: BigInt(signCount), backed_up: backedUp ? 1n : 0n, used_at: now })
    .where("org_id", "=", orgId)
    .where("member_id", "=", memberId)
    .where("credential_id", "=", credentialId)
    .where("backup_eligible", "=", backupEligible ? 1n : 0n)
    .where((is) => (signCount === 0 ? is("sign_count", "=", 0n) : is("sign_count", "<", BigInt(signCount))))
    .returning("credential_id")
    .executeTakeFirst();
  if (used !== undefined) return true;
  await recordAudit(db, {
    orgId,
    at: now,
    actor: email,
    action: "passkey.refused",
    target: name,
    detail: "its counter or its kind is not what it was: it may have been copied",
  });
  return false;
}
