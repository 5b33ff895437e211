import { hash } from "node:crypto";
import { recordAudit } from "../audit/record.ts";
import { accountIdOf } from "../members/account.ts";
import type { Member } from "../members/members.ts";
import type { Reader, Store, Writer } from "../store/open.ts";

/** An application that a person has let in, once or several times. */
export interface Application {
  readonly clientId: string;
  /** As it calls itself; its identifier where it has no name. */
  readonly name: string;
  readonly scopes: readonly string[];
  /** When the person first agreed to what still holds. */
  readonly connectedAt: number;
  /** When it last asked something over MCP; null for not yet. */
  readonly lastUsedAt: number | null;
  /** When the last of what was agreed to ends by itself. */
  readonly expiresAt: number | null;
}

type Account = Pick<Member, "orgId" | "memberId">;

/** What a use is noted at least so long apart. */
const noteEveryMs = 60_000;

/** The applications that can act for a person, by name. */
export async function listApplications(
  db: Reader,
  account: Account,
  now: number,
): Promise<readonly Application[]> {
  const grants = Map.groupBy(await loadGrants(db, account, now), ({ clientId }) => clientId);
  const names = await loadNames(db, [...grants.keys()]);
  return [...grants]
    .map(([clientId, own]) => {
      const uses = own.flatMap(({ usedAt }) => (usedAt === null ? [] : [usedAt]));
      const ends = own.map(({ expiresAt }) => expiresAt);
      return {
        clientId,
        name: names.get(clientId) ?? clientId,
        scopes: [...new Set(own.flatMap(({ scopes }) => scopes))].toSorted(),
        connectedAt: Math.min(...own.map(({ grantedAt }) => grantedAt)),
        lastUsedAt: uses.length === 0 ? null : Math.max(...uses),
        expiresAt: ends.includes(null) ? null : Math.max(...ends.map((end) => end ?? 0)),
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Ends everything that a person has agreed to for an application: its tokens are refused from the next request on.
 * False where there is nothing to end.
 */
export async function disconnectApplication(
  db: Writer,
  member: Pick<Member, "orgId" | "memberId" | "email">,
  clientId: string,
  now: number,
): Promise<boolean> {
  const grants = (await loadGrants(db, member, now)).filter((grant) => grant.clientId === clientId);
  if (grants.length === 0) return false;
  const names = await loadNames(db, [clientId]);
  const ids = grants.map(({ grantId }) => grantId);
  await db.deleteFrom("oauth_records").where("grant_id", "in", ids).execute();
  await db
    .deleteFrom("oauth_records")
    .where("model", "=", "Grant")
    .where(
      "id_hash",
      "in",
      ids.map((id) => hash("sha256", id)),
    )
    .execute();
  await recordAudit(db, {
    orgId: member.orgId,
    at: now,
    actor: member.email,
    action: "oauth_client.disconnected",
    target: (names.get(clientId) ?? clientId).slice(0, 200),
    detail: `by ${member.email}`,
  });
  return true;
}

/** Notes that an application has asked something, at most once a minute. */
export async function noteApplicationUse(store: Store, grantId: string, now: number): Promise<void> {
  const idHash = hash("sha256", grantId);
  const grant = await store.reader
    .selectFrom("oauth_records")
    .select("used_at")
    .where("model", "=", "Grant")
    .where("id_hash", "=", idHash)
    .executeTakeFirst();
  if (grant === undefined || (grant.used_at !== null && now - grant.used_at < noteEveryMs)) return;
  await store.transact((db) =>
    db
      .updateTable("oauth_records")
      .set({ used_at: now })
      .where("model", "=", "Grant")
      .where("id_hash", "=", idHash)
      .execute(),
  );
}

interface Grant {
  readonly grantId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly grantedAt: number;
  readonly usedAt: number | null;
  readonly expiresAt: number | null;
}

/** The authorization server's own form of what was agreed to. */
interface GrantPayload {
  readonly jti?: string;
  readonly clientId?: string;
  readonly iat?: number;
  readonly openid?: { readonly scope?: string };
  readonly resources?: Readonly<Record<string, string>>;
}

async function loadGrants(db: Reader, account: Account, now: number): Promise<readonly Grant[]> {
  const rows = await db
    .selectFrom("oauth_records")
    .select(["payload", "used_at", "expires_at"])
    .where("model", "=", "Grant")
    .where("account_id", "=", accountIdOf(account))
    .execute();
  return rows.flatMap(({ payload, used_at, expires_at }) => {
    const { jti, clientId, iat, openid, resources } = JSON.parse(payload) as GrantPayload;
    if (jti === undefined || clientId === undefined || (expires_at !== null && expires_at <= now)) return [];
    const given = [openid?.scope ?? "", ...Object.values(resources ?? {})].join(" ");
    return {
      grantId: jti,
      clientId,
      scopes: given.split(" ").filter((scope) => scope !== ""),
      grantedAt: (iat ?? 0) * 1000,
      usedAt: used_at,
      expiresAt: expires_at,
    };
  });
}

/** By what clients called themselves when they registered; one that is named by its address has no record of its own. */
async function loadNames(db: Reader, clientIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (clientIds.length === 0) return new Map();
  const rows = await db
    .selectFrom("oauth_records")
    .select("payload")
    .where("model", "=", "Client")
    .where(
      "id_hash",
      "in",
      clientIds.map((id) => hash("sha256", id)),
    )
    .execute();
  return new Map(
    rows.flatMap(({ payload }) => {
      const { client_id, client_name } = JSON.parse(payload) as Readonly<Record<string, unknown>>;
      return typeof client_id === "string" && typeof client_name === "string" && client_name !== ""
        ? [[client_id, client_name] as const]
        : [];
    }),
  );
}
