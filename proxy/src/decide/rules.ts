import { recogniseHost } from "@flowstate/shared/hosts";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { DestinationPolicy, DestinationRule, ProxyPolicy } from "@flowstate/shared/wire/policy";

export interface DestinationDecision {
  readonly allowed: boolean;
  /** What `enforce` would have refused, where the mode lets it pass. */
  readonly wouldDeny: boolean;
  readonly reason: "allow_rule" | "deny_rule" | "ai_host" | "mode" | "not_listed";
}

/** Decides a destination by the subject's policy: an allow rule beats a deny rule, a deny rule beats the mode. */
export function decideDestination(policy: ProxyPolicy, subject: string, to: HostPort): DestinationDecision {
  const { mode, aiOnly, allow, deny } = policyFor(policy, subject);
  if (allow.some((rule) => matches(rule, to)))
    return { allowed: true, wouldDeny: false, reason: "allow_rule" };
  if (deny.some((rule) => matches(rule, to))) {
    return { allowed: mode === "report", wouldDeny: mode === "report", reason: "deny_rule" };
  }
  if (aiOnly && recogniseHost(to.host) !== null)
    return { allowed: true, wouldDeny: false, reason: "ai_host" };
  if (mode === "open" && !aiOnly) return { allowed: true, wouldDeny: false, reason: "mode" };
  return { allowed: mode !== "enforce", wouldDeny: mode !== "enforce", reason: "not_listed" };
}

function policyFor(policy: ProxyPolicy, subject: string): DestinationPolicy {
  return (
    policy.groups.find(({ subjects }) => subjects.includes(subject))?.destinations ?? policy.destinations
  );
}

/** `*.suffix` matches what lies below the suffix, never the suffix itself. */
function matches({ host, ports }: DestinationRule, to: HostPort): boolean {
  if (ports !== undefined && !ports.includes(to.port)) return false;
  return host.startsWith("*.") ? to.host.endsWith(host.slice(1)) : to.host === host;
}
