import { recogniseHost } from "@flowstate/shared/hosts";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type {
  DestinationPolicy,
  DestinationRule,
  ProxyPolicy,
  ServiceRule,
} from "@flowstate/shared/wire/policy";

export interface DestinationDecision {
  readonly allowed: boolean;
  /** What `enforce` would have refused, where the mode lets it pass. */
  readonly wouldDeny: boolean;
  readonly reason: "allow_rule" | "deny_rule" | "service_rule" | "ai_host" | "mode" | "not_listed";
  /** The rule of the organisation's policy that refuses it, or would. */
  readonly rule?: string;
}

type Decide = (to: HostPort) => DestinationDecision;

interface Compiled {
  readonly organisation: Decide;
  readonly bySubject: ReadonlyMap<string, Decide>;
}

const compiled = new WeakMap<ProxyPolicy, Compiled>();

/**
 * Decides a destination by the subject's policy: an allow rule beats a rule about AI services, that beats a deny rule,
 * that beats the mode, and the first group that holds the subject beats the organisation. A policy is made ready once,
 * when it first decides; after that a decision costs a few look-ups, however many destinations there are.
 */
export function decideDestination(policy: ProxyPolicy, subject: string, to: HostPort): DestinationDecision {
  let ready = compiled.get(policy);
  if (ready === undefined) {
    ready = compile(policy);
    compiled.set(policy, ready);
  }
  return (ready.bySubject.get(subject) ?? ready.organisation)(to);
}

function compile({ destinations, groups }: ProxyPolicy): Compiled {
  const bySubject = new Map<string, Decide>();
  for (const group of groups) {
    const decide = compilePolicy(group.destinations);
    for (const subject of group.subjects) if (!bySubject.has(subject)) bySubject.set(subject, decide);
  }
  return { organisation: compilePolicy(destinations), bySubject };
}

function compilePolicy({ mode, aiOnly, allow, deny, services = [] }: DestinationPolicy): Decide {
  const allowed = compileRules(allow);
  const denied = compileRules(deny);
  const refusing = compileServices(services);
  return (to) => {
    if (allowed(to)) return { allowed: true, wouldDeny: false, reason: "allow_rule" };
    const rule = refusing(to);
    if (rule?.enforce === true) {
      return { allowed: false, wouldDeny: false, reason: "service_rule", rule: rule.name };
    }
    const rest = byMode(to);
    return rule === null || !rest.allowed
      ? rest
      : { allowed: true, wouldDeny: true, reason: "service_rule", rule: rule.name };
  };
  function byMode(to: HostPort): DestinationDecision {
    if (denied(to)) {
      return { allowed: mode === "report", wouldDeny: mode === "report", reason: "deny_rule" };
    }
    if (aiOnly && recogniseHost(to.host) !== null)
      return { allowed: true, wouldDeny: false, reason: "ai_host" };
    if (mode === "open" && !aiOnly) return { allowed: true, wouldDeny: false, reason: "mode" };
    return { allowed: mode !== "enforce", wouldDeny: mode !== "enforce", reason: "not_listed" };
  }
}

/**
 * The rule about AI services that refuses a destination, an enforced one first; null where none does. Hosts that only
 * sign people in count as no AI service, for without them a client logs its user out.
 */
function compileServices(services: readonly ServiceRule[]): (to: HostPort) => ServiceRule | null {
  if (services.length === 0) return () => null;
  const rules = services
    .map((rule) => ({ rule, slugs: new Set(rule.providers), listed: compileRules(rule.hosts) }))
    .sort((a, b) => Number(b.rule.enforce) - Number(a.rule.enforce));
  return (to) => {
    const service = recogniseHost(to.host);
    const provider = service === null || service.mode === "ignore" ? null : service.provider;
    const refusing = rules.find(({ rule, slugs, listed }) => {
      const isListed = (provider !== null && slugs.has(provider)) || listed(to);
      return rule.list === "deny" ? isListed : provider !== null && !isListed;
    });
    return refusing?.rule ?? null;
  };
}

/** Whether any rule matches. `*.suffix` matches what lies below the suffix, never the suffix itself. */
export function compileRules(rules: readonly DestinationRule[]): (to: HostPort) => boolean {
  const byHost = new Map<string, DestinationRule[]>();
  for (const rule of rules) byHost.set(rule.host, [...(byHost.get(rule.host) ?? []), rule]);
  const holds = (pattern: string, port: number): boolean =>
    byHost.get(pattern)?.some(({ ports }) => ports === undefined || ports.includes(port)) ?? false;
  return ({ host, port, family }) => {
    if (holds(host, port)) return true;
    if (family !== 0) return false;
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      if (holds(`*${host.slice(dot)}`, port)) return true;
    }
    return false;
  };
}
