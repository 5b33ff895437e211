import { formatUsd, parseUsd } from "@flowstate/shared/money";
import type { PolicyDocument, PolicyRule } from "@flowstate/shared/policy/document";

/** What a call must hold to, in words; who breaks it meets the rule's action. */
export function conditionOf(rule: PolicyRule): string {
  switch (rule.type) {
    case "PROVIDER_ALLOWLIST":
      return `the provider is ${oneOf(rule.providers)}`;
    case "PROVIDER_DENYLIST":
      return `the provider is not ${oneOf(rule.providers)}`;
    case "MODEL_ALLOWLIST":
      return `the model is ${oneOf(rule.models)}`;
    case "MODEL_DENYLIST":
      return `the model is not ${oneOf(rule.models)}`;
    case "MONTHLY_SPEND_CAP_PER_SUBJECT":
      return `each person's spend on ${rule.provider} stays below ${usd(rule.capUsd)} in a calendar month`;
    case "BUDGET_CROSS_PROVIDER": {
      const whose = rule.per === "subject" ? "each person's spend" : "the spend of all together";
      const on = rule.providers === undefined ? "every provider" : listed(rule.providers);
      const days = rule.windowDays === 1 ? "a day" : `${rule.windowDays} days`;
      return `${whose} on ${on} stays below ${usd(rule.budgetUsd)} over ${days}`;
    }
    case "COST_CENTRE_REQUIRED":
      return "the person works for a project that has a cost centre";
    case "CONTENT_DLP":
      return rule.in === "answer"
        ? `what is answered holds no ${listed(phraseText(rule.phrases))}`
        : `what is sent holds no ${listed([...rule.detectors.map(detectorText), ...phraseText(rule.phrases)], "or")}`;
  }
}

/** The author's paragraph, else how many rules there are and what they do. */
export function summaryOf({ summary, rules }: PolicyDocument): string {
  if (summary !== undefined) return summary;
  const counted = (["BLOCK", "WARN", "OBSERVE"] as const).flatMap((action) => {
    const count = rules.filter((rule) => rule.action === action).length;
    return count === 0 ? [] : [`${count} to ${action.toLowerCase()}`];
  });
  if (rules.length === 0) return "No rules: everything passes.";
  return `${rules.length === 1 ? "1 rule" : `${rules.length} rules`}: ${counted.join(", ")}.`;
}

const shownEntries = 8;

function oneOf(entries: readonly string[]): string {
  return entries.length === 1 ? listed(entries) : `one of ${listed(entries, "or")}`;
}

function listed(entries: readonly string[], word = "and"): string {
  const shown = entries.slice(0, shownEntries);
  const rest = entries.length - shown.length;
  const all = rest === 0 ? shown : [...shown, `${rest} more`];
  const last = all.at(-1) ?? "nothing";
  return all.length < 2 ? last : `${all.slice(0, -1).join(", ")} ${word} ${last}`;
}

const detectorTexts = {
  secret: "secret",
  payment_card: "payment card number",
  bank_account: "bank account number",
  us_social_security_number: "US social security number",
  email_address: "e-mail address",
} as const;

function detectorText(detector: keyof typeof detectorTexts): string {
  return detectorTexts[detector];
}

/** Phrases may be confidential themselves, so that they are counted and not repeated. */
function phraseText(phrases: readonly string[]): readonly string[] {
  if (phrases.length === 0) return [];
  return [phrases.length === 1 ? "listed phrase" : `phrase of ${phrases.length} listed`];
}

function usd(amount: string): string {
  const parsed = parseUsd(amount);
  return `${parsed.ok ? formatUsd(parsed.value) : amount} USD`;
}
