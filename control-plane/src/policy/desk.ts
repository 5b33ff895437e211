import { setImmediate as breathe } from "node:timers/promises";
import type { Clock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import type { AgentPolicy } from "@flowstate/shared/wire/agent-policy";
import { readRevisions } from "../orgs/orgs.ts";
import type { Reader } from "../store/open.ts";
import { applyPolicy, etagOf, loadOrgPolicy, type OrgPolicy } from "./applied.ts";

export interface PolicyAsk {
  readonly orgId: OrgId;
  readonly subject: string;
  /** What the agent has already; null for nothing. */
  readonly etag: string | null;
  /** How long it would rather wait than be told the same. */
  readonly waitMs: number;
}

export interface PolicyTold {
  readonly etag: string;
  readonly policy: AgentPolicy;
}

/** Answers agents, thousands of which wait at once: what they have in common is loaded once for all. */
export interface PolicyDesk {
  /** What the agent of that person is to do; the same as it has where nothing new came while it waited. */
  ask(given: PolicyAsk, signal: AbortSignal): Promise<PolicyTold>;
  /** Looks for changes now instead of at the next tick. */
  poke(): void;
  /** Looks for changes, also those that another control plane committed, until `signal` aborts. */
  watch(signal: AbortSignal): Promise<void>;
}

interface Remembered {
  readonly revision: number;
  readonly loadedAt: number;
  readonly policy: Promise<OrgPolicy>;
}

const pollMs = 500;
/** So many are answered before anything else has its turn. */
const atOnce = 25;
/** Who belongs where, and what all of a scope have spent, may be so old. */
const rememberedMs = 15_000;

export function createPolicyDesk({
  reader,
  clock,
  onError,
}: {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}): PolicyDesk {
  const remembered = new Map<OrgId, Remembered>();
  const waiting = new Set<() => void>();
  let revisions: ReadonlyMap<OrgId, number> = new Map();
  let wake = new AbortController();
  let isStopping = false;

  const orgPolicy = (orgId: OrgId, revision: number): Promise<OrgPolicy> => {
    const now = clock.now();
    const known = remembered.get(orgId);
    if (known !== undefined && known.revision === revision && known.loadedAt > now - rememberedMs) {
      return known.policy;
    }
    const policy = loadOrgPolicy(reader, orgId, now);
    remembered.set(orgId, { revision, loadedAt: now, policy });
    policy.catch(() => remembered.delete(orgId));
    return policy;
  };
  const tell = async ({ orgId, subject }: PolicyAsk, revision: number): Promise<PolicyTold> => {
    const shared = await orgPolicy(orgId, revision);
    const policy = await applyPolicy(reader, orgId, shared, { subject, now: clock.now() });
    return { etag: etagOf(policy), policy };
  };
  const refresh = async (): Promise<void> => {
    const before = revisions;
    revisions = await readRevisions(reader);
    const hasNews = [...revisions].some(([orgId, revision]) => before.get(orgId) !== revision);
    if (!hasNews) return;
    for (const [index, call] of [...waiting].entries()) {
      call();
      if (index % atOnce === atOnce - 1) await breathe();
    }
  };

  return {
    async ask(given, signal) {
      const until = clock.now() + given.waitMs;
      let revision = (await readRevisions(reader)).get(given.orgId) ?? 0;
      for (;;) {
        const told = await tell(given, revision);
        const leftMs = until - clock.now();
        if (told.etag !== given.etag || leftMs <= 0 || signal.aborted || isStopping) return told;
        const news = new AbortController();
        const call = (): void => news.abort();
        waiting.add(call);
        const changed = (revisions.get(given.orgId) ?? revision) !== revision;
        if (!changed) await clock.sleep(leftMs, AbortSignal.any([signal, news.signal]));
        waiting.delete(call);
        revision = revisions.get(given.orgId) ?? revision;
      }
    },
    poke: () => wake.abort(),
    async watch(signal) {
      while (!signal.aborted) {
        await clock.sleep(pollMs, AbortSignal.any([signal, wake.signal]));
        wake = new AbortController();
        if (waiting.size > 0) await refresh().catch(onError);
      }
      isStopping = true;
      for (const call of waiting) call();
    },
  };
}
