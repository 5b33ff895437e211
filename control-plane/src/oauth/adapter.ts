import { hash } from "node:crypto";
import type { Adapter, AdapterPayload } from "oidc-provider";
import type { Clock } from "@flowstate/shared/clock";
import type { Store, Writer } from "../store/open.ts";

/** Their identifier is what the client presents, so it is kept as a hash alone. */
const secretModels = new Set(["AccessToken", "RefreshToken", "AuthorizationCode"]);

/** A client that registered itself and was never agreed to is forgotten after so long. */
const unusedClientMs = 24 * 3_600_000;

/** A client that lost the answer may present a spent refresh token again for so long. */
const refreshGraceMs = 60_000;

/** Keeps the authorization server's records in our store. */
export function createOAuthAdapter(store: Store, clock: Clock): (model: string) => Adapter {
  return (model) => {
    const own = (id: string) => ({ model, id_hash: hash("sha256", id) });
    return {
      async upsert(id, payload, expiresIn) {
        const { jti, ...rest } = payload;
        const values = {
          payload: JSON.stringify(secretModels.has(model) ? rest : { ...rest, jti }),
          grant_id: payload.grantId ?? null,
          account_id: model === "Grant" ? (payload.accountId ?? null) : null,
          uid: payload.uid ?? null,
          consumed_at: null,
          expires_at: model === "Client" ? clock.now() + unusedClientMs : expiryOf(expiresIn, clock.now()),
        };
        await store.transact(async (db) => {
          // Each pays for the removal of what has expired since the one before.
          if (model === "Grant" || model === "Client")
            await db.deleteFrom("oauth_records").where("expires_at", "<", clock.now()).execute();
          if (model === "Grant") await keepClient(db, payload.clientId ?? "");
          await db
            .insertInto("oauth_records")
            .values({ ...own(id), ...values })
            .onConflict((on) => on.columns(["model", "id_hash"]).doUpdateSet(values))
            .execute();
        });
      },
      async find(id) {
        const row = await store.reader
          .selectFrom("oauth_records")
          .select(["payload", "consumed_at", "expires_at"])
          .where("model", "=", model)
          .where("id_hash", "=", hash("sha256", id))
          .executeTakeFirst();
        return row === undefined ? undefined : read(row, clock.now(), model, id);
      },
      async findByUid(uid) {
        const row = await store.reader
          .selectFrom("oauth_records")
          .select(["payload", "consumed_at", "expires_at"])
          .where("model", "=", model)
          .where("uid", "=", uid)
          .executeTakeFirst();
        return row === undefined ? undefined : read(row, clock.now(), model, null);
      },
      // The device flow is off, so nothing has a user code.
      findByUserCode: async () => undefined,
      async consume(id) {
        await store.transact((db) =>
          db
            .updateTable("oauth_records")
            .set({ consumed_at: clock.now() })
            .where("model", "=", model)
            .where("id_hash", "=", hash("sha256", id))
            .where("consumed_at", "is", null)
            .execute(),
        );
      },
      async destroy(id) {
        await store.transact((db) =>
          db
            .deleteFrom("oauth_records")
            .where("model", "=", model)
            .where("id_hash", "=", hash("sha256", id))
            .execute(),
        );
      },
      async revokeByGrantId(grantId) {
        await store.transact((db) =>
          db.deleteFrom("oauth_records").where("model", "=", model).where("grant_id", "=", grantId).execute(),
        );
      },
    };
  };
}

async function keepClient(db: Writer, clientId: string): Promise<void> {
  await db
    .updateTable("oauth_records")
    .set({ expires_at: null })
    .where("model", "=", "Client")
    .where("id_hash", "=", hash("sha256", clientId))
    .execute();
}

function expiryOf(expiresInSeconds: number | undefined, now: number): number | null {
  return expiresInSeconds === undefined ? null : now + expiresInSeconds * 1000;
}

interface Row {
  readonly payload: string;
  readonly consumed_at: number | null;
  readonly expires_at: number | null;
}

function read(row: Row, now: number, model: string, id: string | null): AdapterPayload | undefined {
  if (row.expires_at !== null && row.expires_at <= now) return undefined;
  const payload = JSON.parse(row.payload) as AdapterPayload;
  const graceMs = model === "RefreshToken" ? refreshGraceMs : 0;
  const consumed = row.consumed_at !== null && row.consumed_at + graceMs <= now;
  return {
    ...payload,
    ...(id === null || payload.jti !== undefined ? {} : { jti: id }),
    ...(consumed ? { consumed: Math.floor((row.consumed_at ?? 0) / 1000) } : {}),
  };
}
