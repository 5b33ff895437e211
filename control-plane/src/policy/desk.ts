import { setImmediate as breathe } from "node:timers/promises";
import type { Clock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import type { AgentPolicy } from "@flowstate/shared/wire/agent-policy";
import { readRevisions } from "../orgs/orgs.ts";
import type { Reader } from "../store/open.ts";
import { applyPolicy, etagOf, loadOrgPolicy, type OrgPolicy } from "./applied.ts";

export interface PolicyFollower {
  readonly orgId: OrgId;
  readonly subject: string;
  /** What the agent has already; null for nothing. */
  readonly etag: string | null;
}

export interface PolicyAsk extends PolicyFollower {
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
  /** All that the agent of that person is to do from now on, each that differs from the one before; ends with `signal` or the desk. */
  follow(given: PolicyFollower, signal: AbortSignal): AsyncIterable<PolicyTold>;
  /** A device of that person has told of calls: what its rules count as spent may be more. */
  heard(orgId: OrgId, subject: string): void;
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

interface Waiting extends Pick<PolicyFollower, "orgId" | "subject"> {
  readonly call: () => void;
}

const pollMs = 500;
/** So many are answered before anything else has its turn. */
const atOnce = 25;
/** What other control planes were told of calls, and what a new month changes, is looked at as often for those who follow. */
const lookMs = 50_000;
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
  const waiting = new Set<Waiting>();
  /** The newest that were seen; they only grow. */
  const revisions = new Map<OrgId, number>();
  let wake = new AbortController();
  const stopped = new AbortController();

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
  const tell = async ({ orgId, subject }: PolicyFollower, revision: number): Promise<PolicyTold> => {
    const shared = await orgPolicy(orgId, revision);
    const policy = await applyPolicy(reader, orgId, shared, { subject, now: clock.now() });
    return { etag: etagOf(policy), policy };
  };
  const revisionOf = (orgId: OrgId): number => revisions.get(orgId) ?? 0;
  const refresh = async (): Promise<void> => {
    const newer = [...(await readRevisions(reader))].filter(
      ([orgId, revision]) => revision > revisionOf(orgId),
    );
    for (const [orgId, revision] of newer) revisions.set(orgId, revision);
    const orgs = new Set(newer.map(([orgId]) => orgId));
    const called = [...waiting].filter(({ orgId }) => orgs.has(orgId));
    for (const [index, { call }] of called.entries()) {
      call();
      if (index % atOnce === atOnce - 1) await breathe();
    }
  };

  const ask = async (given: PolicyAsk, signal: AbortSignal): Promise<PolicyTold> => {
    const until = clock.now() + given.waitMs;
    await refresh();
    for (;;) {
      const revision = revisionOf(given.orgId);
      const told = await tell(given, revision);
      const leftMs = until - clock.now();
      if (told.etag !== given.etag || leftMs <= 0 || signal.aborted || stopped.signal.aborted) return told;
      const news = new AbortController();
      const entry = { orgId: given.orgId, subject: given.subject, call: () => news.abort() };
      waiting.add(entry);
      if (revisionOf(given.orgId) === revision) {
        await clock.sleep(leftMs, AbortSignal.any([signal, news.signal]));
      }
      waiting.delete(entry);
    }
  };

  return {
    ask,
    async *follow(given, signal) {
      let { etag } = given;
      while (!signal.aborted && !stopped.signal.aborted) {
        const told = await ask({ ...given, etag, waitMs: lookMs }, signal);
        if (told.etag === etag) continue;
        etag = told.etag;
        yield told;
      }
    },
    heard(orgId, subject) {
      for (const each of waiting) if (each.orgId === orgId && each.subject === subject) each.call();
    },
    poke: () => wake.abort(),
    async watch(signal) {
      while (!signal.aborted) {
        await clock.sleep(pollMs, AbortSignal.any([signal, wake.signal]));
        wake = new AbortController();
        if (waiting.size > 0) await refresh().catch(onError);
      }
      stopped.abort();
      for (const { call } of waiting) call();
    },
  };
}
