import type { FastifyRequest } from "fastify";
import type { Clock } from "@flowstate/shared/clock";
import { actorOf, check, type Principal } from "../../access/check.ts";
import type { DirectoryChange } from "../../directory/entities.ts";
import type { Store } from "../../store/open.ts";

export interface RestDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly findPrincipal: (request: FastifyRequest) => Promise<Principal | null>;
  readonly publicUrl: () => URL;
}

/** Who changes the directory, once they may. */
export async function changeOf(
  request: FastifyRequest,
  { findPrincipal, clock }: RestDependencies,
): Promise<DirectoryChange> {
  const caller = check(await findPrincipal(request), "DIRECTORY_UPDATE");
  return { orgId: caller.orgId, actor: actorOf(caller), now: clock.now() };
}
