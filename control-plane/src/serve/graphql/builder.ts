import SchemaBuilder from "@pothos/core";
import ScopeAuthPlugin from "@pothos/plugin-scope-auth";
import type { Clock } from "@flowstate/shared/clock";
import type { NanoUsd } from "@flowstate/shared/money";
import type { Period, UsageDate } from "@flowstate/shared/time";
import { actorOf, check, checkPerson, type Person, type Principal } from "../../access/check.ts";
import type { Permission } from "../../access/permissions.ts";
import type { KeyContext } from "../../keys/provision.ts";
import type { OidcClient } from "../../login/oidc/client.ts";
import type { SyncServices } from "../../providers/sync.ts";
import type { createStatusCard } from "../../proxy-status/status.ts";
import type { Shelf } from "../../releases/shelf.ts";
import type { Post } from "../../signals/delivery/post.ts";
import type { Store, Writer } from "../../store/open.ts";

/** What resolvers may use. */
export interface GraphqlServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly pepper: Buffer;
  readonly statusCard: ReturnType<typeof createStatusCard>;
  /** What devices put into HTTPS_PROXY, without the credentials. */
  readonly proxyUrl: string;
  readonly publicUrl: () => URL;
  /** Tells the connected proxies to look for changes now. */
  readonly poke: () => void;
  /** What the syncing of usage providers stands on. */
  readonly syncing: SyncServices;
  /** What identity providers are asked through. */
  readonly oidc: OidcClient;
  /** The agent's releases that devices are offered. */
  readonly shelf: Shelf;
  /** Sends a signal to where it is to be delivered. */
  readonly postSignal: Post;
  /** Aborts when the server stops: a sync under way ends in a state from which the next goes on. */
  readonly stopping: AbortSignal;
}

export interface GraphqlContext extends GraphqlServices {
  readonly principal: Principal | null;
}

export interface SchemaTypes {
  Context: GraphqlContext;
  DefaultFieldNullability: false;
  DefaultAuthStrategy: "all";
  AuthScopes: { signedIn: boolean; permission: Permission; person: boolean };
  Scalars: {
    /** UTC epoch milliseconds inside, ISO 8601 outside. */
    DateTime: { Input: number; Output: number };
    Period: { Input: Period; Output: Period };
    Date: { Input: UsageDate; Output: UsageDate };
    Usd: { Input: NanoUsd; Output: NanoUsd };
    BigInt: { Input: bigint; Output: bigint };
  };
}

/** The schema is written in code; each root field states the permission it takes, and `check` alone decides. */
export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [ScopeAuthPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ principal }) => ({
      signedIn: principal !== null,
      permission: (permission) => check(principal, permission) === principal,
      person: () => checkPerson(principal) === principal,
    }),
  },
});

export type Builder = typeof builder;

/** The caller, of whom the field's scope has made sure. */
export function callerOf({ principal }: GraphqlContext, permission: Permission): Principal {
  return check(principal, permission);
}

/** The same for what is a person's own. */
export function personOf({ principal }: GraphqlContext): Person {
  return checkPerson(principal);
}

/** What a change of keys or members records: whose organisation, by whom, when. */
export function changeBy(caller: Principal, { pepper, clock }: GraphqlServices): KeyContext {
  return { orgId: caller.orgId, actor: actorOf(caller), pepper, now: clock.now() };
}

/** Runs one change and has the proxies learn of it at once. */
export async function commit<T>(
  { store, poke }: GraphqlContext,
  run: (db: Writer) => Promise<T>,
): Promise<T> {
  const result = await store.transact(run);
  poke();
  return result;
}
