import { createHash } from "node:crypto";
import { parseDestinationRule } from "@flowstate/shared/destination";
import type { PolicyDocument, PolicyRule } from "@flowstate/shared/policy/document";
import { isHostEntry } from "@flowstate/shared/policy/parse";
import {
  defaultProxyPolicy,
  type DestinationPolicy,
  type ProxyPolicy,
  type ServiceRule,
} from "@flowstate/shared/wire/policy";
import type { Memberships } from "./memberships.ts";

type ProviderRule = Extract<PolicyRule, { type: "PROVIDER_ALLOWLIST" | "PROVIDER_DENYLIST" }>;

/** What proxies are told of a policy. */
export type ProxyDestinations = Pick<ProxyPolicy, "destinations" | "groups">;

/** Rules that a proxy can hold somebody to, for it knows where a tunnel goes and nothing of what is in it. */
function providerRules({ rules }: PolicyDocument): readonly ProviderRule[] {
  return rules.filter(
    (rule): rule is ProviderRule => rule.type === "PROVIDER_ALLOWLIST" || rule.type === "PROVIDER_DENYLIST",
  );
}

/** Whether what proxies are told depends on who belongs where. */
export function needsMemberships(document: PolicyDocument): boolean {
  return providerRules(document).some(({ scope }) => scope.kind !== "organisation");
}

/**
 * The policy's rules about providers as proxies take them: those for everybody, and one group of subjects for each set
 * of rules that some have beyond these.
 */
export function destinationsOf(document: PolicyDocument, memberships: Memberships | null): ProxyDestinations {
  const rules = providerRules(document);
  const everybodys = rules.filter(({ scope }) => scope.kind === "organisation");
  const own = rules.filter(({ scope }) => scope.kind !== "organisation");
  const groups = memberships === null ? [] : groupsOf(own, memberships);
  return {
    destinations: withRules(everybodys),
    groups: groups.map(({ rules: theirs, subjects }) => ({
      name: theirs.map(({ name }) => name).join(", "),
      subjects: [...subjects],
      destinations: withRules([...everybodys, ...theirs]),
    })),
  };
}

interface Group {
  readonly rules: readonly ProviderRule[];
  readonly subjects: readonly string[];
}

/** Everybody to whom the same of these rules apply, one or more of them. */
function groupsOf(rules: readonly ProviderRule[], memberships: Memberships): readonly Group[] {
  const groups = new Map<string, { readonly rules: readonly ProviderRule[]; readonly subjects: string[] }>();
  for (const subject of [...memberships.subjects].sort()) {
    const person = memberships.personOf(subject);
    const theirs = rules.filter(({ scope }) => memberships.isIn(scope, person));
    if (theirs.length === 0) continue;
    const key = JSON.stringify(theirs.map(({ name }) => name));
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { rules: theirs, subjects: [subject] });
    else known.subjects.push(subject);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** The same for the same rules and people, whatever the order in which the directory gives them. */
export function digestOf(destinations: ProxyDestinations): string {
  return createHash("sha256").update(JSON.stringify(destinations)).digest("hex");
}

function withRules(rules: readonly ProviderRule[]): DestinationPolicy {
  const { destinations } = defaultProxyPolicy;
  return rules.length === 0 ? destinations : { ...destinations, services: rules.map(serviceRuleOf) };
}

function serviceRuleOf({ name, type, providers, action }: ProviderRule): ServiceRule {
  return {
    name,
    list: type === "PROVIDER_ALLOWLIST" ? "allow" : "deny",
    providers: providers.filter((entry) => !isHostEntry(entry)),
    hosts: providers.filter(isHostEntry).flatMap((entry) => {
      const rule = parseDestinationRule(entry);
      return rule.ok ? [rule.value] : [];
    }),
    enforce: action === "BLOCK",
  };
}
