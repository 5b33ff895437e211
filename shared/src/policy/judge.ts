import { assert } from "../assert.ts";
import { parseDestinationRule } from "../destination.ts";
import { parseUsd } from "../money.ts";
import { modelCandidates } from "../prices/model-id.ts";
import type { PolicyRule } from "./document.ts";
import { isHostEntry } from "./parse.ts";

/** What of a call a rule looks at. */
export interface JudgedCall {
  /** Provider slug, as in the wire messages. */
  readonly provider: string;
  readonly host: string | null;
  readonly model: string | null;
}

/** What is known besides the call; null where it is not. Asked for only by the rules that need it. */
export interface JudgedFacts {
  /** What whom the rule counts has spent in its window before this call, in nano-dollars. */
  readonly spentNanoUsd: () => bigint | null;
  /** Whether the person works for a project that has a cost centre. */
  readonly hasCostCentre: () => boolean | null;
  /** Whether the content holds something that the rule looks for. */
  readonly holdsContent: () => boolean | null;
}

export type Verdict = "kept" | "broken" | "unknown";

/** A rule made ready: one for all who enforce or simulate it, so that they cannot differ. */
export type Judge = (call: JudgedCall, facts: JudgedFacts) => Verdict;

export function createJudge(rule: PolicyRule): Judge {
  switch (rule.type) {
    case "PROVIDER_ALLOWLIST":
    case "PROVIDER_DENYLIST": {
      const isListed = createProviderList(rule.providers);
      return listJudge(rule.type === "PROVIDER_ALLOWLIST", isListed);
    }
    case "MODEL_ALLOWLIST":
    case "MODEL_DENYLIST": {
      const isListed = createModelList(rule.models);
      return listJudge(rule.type === "MODEL_ALLOWLIST", ({ model }) =>
        model === null ? null : isListed(model),
      );
    }
    case "MONTHLY_SPEND_CAP_PER_SUBJECT": {
      const cap = nanoUsd(rule.capUsd);
      return ({ provider }, { spentNanoUsd }) =>
        provider === rule.provider ? spendVerdict(spentNanoUsd(), cap) : "kept";
    }
    case "BUDGET_CROSS_PROVIDER": {
      const budget = nanoUsd(rule.budgetUsd);
      return ({ provider }, { spentNanoUsd }) =>
        countsSpendOf(rule, provider) ? spendVerdict(spentNanoUsd(), budget) : "kept";
    }
    case "COST_CENTRE_REQUIRED":
      return (_, { hasCostCentre }) => factVerdict(hasCostCentre(), false);
    case "CONTENT_DLP":
      return (_, { holdsContent }) => factVerdict(holdsContent(), true);
  }
}

/** Whether a provider's spend counts for a rule about spend; false for every other rule. */
export function countsSpendOf(rule: PolicyRule, provider: string): boolean {
  if (rule.type === "MONTHLY_SPEND_CAP_PER_SUBJECT") return rule.provider === provider;
  return rule.type === "BUDGET_CROSS_PROVIDER" && (rule.providers?.includes(provider) ?? true);
}

/** Whether the rule takes effect: it is broken, or that cannot be known and it is closed to what is not known. */
export function takesEffect({ onUnknown }: PolicyRule, verdict: Verdict): boolean {
  return verdict === "broken" || (verdict === "unknown" && onUnknown === "closed");
}

type Listed = (call: JudgedCall) => boolean | null;

function listJudge(allows: boolean, isListed: Listed): Judge {
  return (call) => factVerdict(isListed(call), !allows);
}

function factVerdict(fact: boolean | null, breaks: boolean): Verdict {
  if (fact === null) return "unknown";
  return fact === breaks ? "broken" : "kept";
}

function spendVerdict(spent: bigint | null, most: bigint): Verdict {
  if (spent === null) return "unknown";
  return spent >= most ? "broken" : "kept";
}

/** Null where only the host would tell, and it is not known. */
function createProviderList(entries: readonly string[]): Listed {
  const slugs = new Set(entries.filter((entry) => !isHostEntry(entry)));
  const hosts = entries.filter(isHostEntry).flatMap((entry) => {
    const rule = parseDestinationRule(entry);
    return rule.ok ? [rule.value.host] : [];
  });
  const exact = new Set(hosts.filter((host) => !host.startsWith("*.")));
  const suffixes = hosts.filter((host) => host.startsWith("*.")).map((host) => host.slice(1));
  return ({ provider, host }) => {
    if (slugs.has(provider)) return true;
    if (hosts.length === 0) return false;
    if (host === null) return null;
    return exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix));
  };
}

/** A model is listed under any name that means it: with or without a region, a vendor's prefix or a date. */
function createModelList(patterns: readonly string[]): (model: string) => boolean {
  const expressions = patterns.map(modelExpression);
  const known = new Map<string, boolean>();
  return (model) => {
    const found = known.get(model);
    if (found !== undefined) return found;
    const candidates = modelCandidates(model);
    const listed = expressions.some((expression) => candidates.some((name) => expression(name)));
    if (known.size >= mostRemembered) known.clear();
    known.set(model, listed);
    return listed;
  };
}

const mostRemembered = 1000;

/** Whether a name fits a pattern whose `*` stands for any letters. Linear: each part is looked for once, from the left. */
function modelExpression(pattern: string): (name: string) => boolean {
  const [head = "", ...parts] = pattern.toLowerCase().split("*");
  const tail = parts.pop();
  if (tail === undefined) return (name) => name === head;
  return (name) => {
    if (!name.startsWith(head) || !name.endsWith(tail)) return false;
    const end = name.length - tail.length;
    let at = head.length;
    for (const part of parts) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= end;
  };
}

function nanoUsd(amount: string): bigint {
  const parsed = parseUsd(amount);
  assert(parsed.ok, "a policy holds amounts of the right form");
  return parsed.value;
}
