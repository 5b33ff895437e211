import type { AgentPolicy } from "@flowstate/shared/wire/agent-policy";
import type { PolicyHits } from "@flowstate/shared/wire/policy-hits";
import type { Logger } from "@flowstate/shared/log";
import type { AnswerListener, PendingCall } from "../observe/intercept/exchange.ts";
import type { Decide } from "../observe/intercept/watch.ts";
import type { ContentReports } from "./content-reports.ts";
import { createEvaluator, type Broken, type Evaluator } from "./evaluate.ts";
import type { KeptPolicy } from "./kept.ts";

/** How often a rule was met since the start. */
export interface RuleCount {
  readonly rule: string;
  readonly action: string;
  /** Calls that broke it. */
  readonly calls: number;
  /** Those on which it took effect; the others were only observed. */
  readonly enforcedCalls: number;
}

/** What the daemon says of the policy; instants are ISO 8601 in UTC. */
export interface PolicyStatus {
  /** Null before a policy was ever activated. */
  readonly version: number | null;
  readonly issuedAt: string | null;
  /** When the control plane was last heard; null since the start for never. */
  readonly heardAt: string | null;
  /** Why it is not heard; null where it is. */
  readonly problem: string | null;
  readonly settings: AgentPolicy["settings"] | null;
  readonly rules: readonly string[];
  readonly notUnderstood: readonly string[];
  readonly met: readonly RuleCount[];
}

/** Holds the policy in force, judges by it and counts what it met. */
export interface Officer {
  replace(kept: KeptPolicy): void;
  heard(at: string): void;
  failed(reason: string): void;
  /** Null while there is nothing to judge by: requests then stream. */
  judge(): Decide | null;
  /** For an answer that begins; null while no rule is about answers. */
  listen(): AnswerListener | null;
  /** Rules that calls broke and that the control plane was not told of yet. */
  hits(): readonly Omit<PolicyHits, "seq">[];
  /** What `hits` gave is on its way. */
  told(): void;
  status(): PolicyStatus;
}

/** `onBroken` is called when there is something to tell. */
export function createOfficer(
  log: Logger,
  now: () => number,
  reports: ContentReports,
  onBroken: () => void,
): Officer {
  let policy: AgentPolicy | null = null;
  let evaluator: Evaluator | null = null;
  let heardAt: string | null = null;
  let problem: string | null = null;
  const met = new Map<string, RuleCount>();
  let untold = new Map<string, Omit<PolicyHits, "seq">>();
  const count = ({ rule, action, enforced }: Broken, version: number | null): void => {
    const before = met.get(rule);
    met.set(rule, {
      rule,
      action,
      calls: (before?.calls ?? 0) + 1,
      enforcedCalls: (before?.enforcedCalls ?? 0) + (enforced ? 1 : 0),
    });
    if (version === null) return;
    const occurredAt = new Date(now()).toISOString();
    const key = JSON.stringify([version, rule, action, enforced, occurredAt.slice(0, 10)]);
    const calls = (untold.get(key)?.calls ?? 0) + 1;
    untold.set(key, { kind: "policy", occurredAt, version, rule, action, enforced, calls });
  };
  const note = (call: PendingCall, broken: readonly Broken[], version: number | null): void => {
    if (broken.length > 0) onBroken();
    for (const each of broken) {
      count(each, version);
      reports.note(call, each, now());
      if (each.action === "OBSERVE" || !each.enforced) continue;
      const what = each.by === "answer" ? "an answer" : "a call";
      log.warn(
        { rule: each.rule, action: each.action, host: call.host },
        `${what} breaks a rule of the policy`,
      );
    }
  };
  const decide: Decide = (call) => {
    if (evaluator === null) return { kind: "allow" };
    const { verdict, broken } = evaluator.judge(call, now());
    note(call, broken, policy?.version ?? null);
    return verdict;
  };
  return {
    replace(kept) {
      policy = kept.policy;
      const before = evaluator?.notUnderstood.join() ?? "";
      evaluator = createEvaluator(kept.policy);
      const { notUnderstood } = evaluator;
      if (notUnderstood.length > 0 && notUnderstood.join() !== before) {
        log.warn({ rules: notUnderstood }, "rules that this agent does not know are left out");
      }
    },
    heard(at) {
      heardAt = at;
      problem = null;
    },
    failed(reason) {
      if (reason !== problem) log.warn({ reason }, "the policy cannot be asked for; the last one holds");
      problem = reason;
    },
    judge: () => (evaluator?.hasRules === true ? decide : null),
    listen() {
      const heard = evaluator?.listen() ?? null;
      if (heard === null) return null;
      const version = policy?.version ?? null;
      return { hear: heard.hear, end: (call) => note(call, heard.broken(), version) };
    },
    hits: () => [...untold.values()],
    told: () => void (untold = new Map()),
    status: () => ({
      version: policy?.version ?? null,
      issuedAt: policy?.issuedAt ?? null,
      heardAt,
      problem,
      settings: policy?.settings ?? null,
      rules: policy?.rules.map(({ rule: { name } }) => name) ?? [],
      notUnderstood: evaluator?.notUnderstood ?? [],
      met: [...met.values()],
    }),
  };
}
