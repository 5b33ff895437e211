import { createHash } from "node:crypto";
import { unreachable } from "@flowstate/shared/assert";
import type { OrgId } from "@flowstate/shared/ids";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import type { PolicyRule } from "@flowstate/shared/policy/document";
import { countsSpendOf } from "@flowstate/shared/policy/judge";
import { addDays, dateOf, periodBounds, periodOf } from "@flowstate/shared/time";
import type { AgentPolicy, AgentSettings } from "@flowstate/shared/wire/agent-policy";
import type { Reader } from "../store/open.ts";
import { readSpendDays, sumSpendDays } from "../usage/spend-days.ts";
import { readAgentSettings } from "./agent-settings.ts";
import { loadMemberships, type Memberships } from "./memberships.ts";
import { readActivePolicy, type PolicyVersion } from "./queries.ts";

/** What all agents of an organisation have in common. */
export interface OrgPolicy {
  readonly settings: AgentSettings;
  readonly active: PolicyVersion | null;
  readonly memberships: Memberships;
  /** Spend of everybody in a rule's scope together, by the rule's name. */
  readonly shared: ReadonlyMap<string, bigint>;
}

export async function loadOrgPolicy(db: Reader, orgId: OrgId, now: number): Promise<OrgPolicy> {
  const [settings, active, memberships] = await Promise.all([
    readAgentSettings(db, orgId),
    readActivePolicy(db, orgId),
    loadMemberships(db, orgId, now),
  ]);
  const shared = new Map<string, bigint>();
  for (const rule of active?.document.rules ?? []) {
    if (!isShared(rule)) continue;
    const rows = await sumSpendDays(db, orgId, windowStart(rule, now) ?? now);
    const own = rows.filter(
      ({ subject, provider }) =>
        countsSpendOf(rule, provider) && memberships.isIn(rule.scope, memberships.personOf(subject)),
    );
    shared.set(
      rule.name,
      own.reduce((sum, { paid }) => sum + paid, 0n),
    );
  }
  return { settings, active, memberships, shared };
}

/** What the agent of one person is to do: the rules that are for that person, with what each counts as spent. */
export async function applyPolicy(
  db: Reader,
  orgId: OrgId,
  { settings, active, memberships, shared }: OrgPolicy,
  { subject, now }: { readonly subject: string; readonly now: number },
): Promise<AgentPolicy> {
  const person = memberships.personOf(subject);
  const rules = (active?.document.rules ?? []).filter(({ scope }) => memberships.isIn(scope, person));
  const starts = rules.flatMap((rule) => (isShared(rule) ? [] : (windowStart(rule, now) ?? [])));
  const days =
    starts.length === 0
      ? []
      : await readSpendDays(db, orgId, memberships.addressesOf(person), Math.min(...starts));
  const spentOf = (rule: PolicyRule): bigint | null => {
    const start = windowStart(rule, now);
    if (start === null) return null;
    if (isShared(rule)) return shared.get(rule.name) ?? 0n;
    const own = days.filter(({ dayAt, provider }) => dayAt >= start && countsSpendOf(rule, provider));
    return own.reduce((sum, { paid }) => sum + paid, 0n);
  };
  return {
    version: active?.version ?? null,
    issuedAt: new Date(now).toISOString(),
    settings,
    rules: rules.map((rule) => {
      const spent = spentOf(rule);
      return { rule: toldRule(rule), spentUsd: spent === null ? null : formatUsd(spent as NanoUsd) };
    }),
    hasCostCentre: memberships.hasCostCentre(person, dateOf(now)),
  };
}

/** An agent from before rules about answers refuses the field, and all rules are about requests to it. */
function toldRule(rule: PolicyRule): AgentPolicy["rules"][number]["rule"] {
  if (rule.type !== "CONTENT_DLP" || rule.in === "answer") return rule;
  const { in: _, ...told } = rule;
  return told;
}

/** Of all that an answer says but when; the same as long as nothing has changed. */
export function etagOf(policy: AgentPolicy): string {
  const said = JSON.stringify({ ...policy, issuedAt: null });
  return `"${createHash("sha256").update(said).digest("base64url").slice(0, 32)}"`;
}

/** First instant of the window in which a rule counts spend; null for a rule that is not about spend. */
function windowStart(rule: PolicyRule, now: number): number | null {
  switch (rule.type) {
    case "MONTHLY_SPEND_CAP_PER_SUBJECT":
      return periodBounds(periodOf(now)).from;
    case "BUDGET_CROSS_PROVIDER":
      return Date.parse(addDays(dateOf(now), 1 - rule.windowDays));
    case "PROVIDER_ALLOWLIST":
    case "PROVIDER_DENYLIST":
    case "MODEL_ALLOWLIST":
    case "MODEL_DENYLIST":
    case "COST_CENTRE_REQUIRED":
    case "CONTENT_DLP":
      return null;
    default:
      return unreachable(rule);
  }
}

function isShared(rule: PolicyRule): boolean {
  return rule.type === "BUDGET_CROSS_PROVIDER" && rule.per === "scope";
}
