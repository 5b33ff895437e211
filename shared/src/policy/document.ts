import * as v from "valibot";
import { listOf } from "../wire/list.ts";

/**
 * An organisation's policy as it is written, kept, and sent to those who enforce it. Its JSON Schema is served at
 * `/api/v1/policy.schema.json`; docs/policy.md says what each rule means.
 */

/** Text for people: one line that does not begin with a blank. */
const shown = (most: number) =>
  v.pipe(v.string(), v.regex(/^[^\s\p{Cc}][^\p{Cc}]*$/u), v.maxCodePoints(most));

export const policyScope = v.variant("kind", [
  v.strictObject({ kind: v.literal("organisation") }),
  v.strictObject({
    kind: v.literal("team"),
    team: v.pipe(shown(200), v.description("its id, or its name")),
  }),
  v.strictObject({
    kind: v.literal("cost_centre"),
    costCentre: v.pipe(shown(200), v.description("as teams and projects state it")),
  }),
  v.strictObject({
    kind: v.literal("service_account"),
    serviceAccount: v.pipe(shown(200), v.description("its id, or its name")),
  }),
]);

const common = {
  name: v.pipe(shown(100), v.description("as people see it who are blocked; unique in the policy")),
  action: v.pipe(
    v.picklist(["OBSERVE", "WARN", "BLOCK"]),
    v.description(
      "what happens to a call that breaks the rule: it is counted, the person is warned, or it is refused",
    ),
  ),
  scope: v.optional(
    v.pipe(policyScope, v.description("who it is for; a team stands for the teams below it as well")),
    { kind: "organisation" },
  ),
  onUnknown: v.optional(
    v.pipe(
      v.picklist(["open", "closed"]),
      v.description(
        "what happens to a call of which it cannot be known whether it breaks the rule: let pass, or as if it did",
      ),
    ),
    "open",
  ),
  message: v.optional(
    v.pipe(shown(300), v.description("told to whoever is warned or blocked: what to do, whom to ask")),
  ),
};

const providers = v.pipe(
  listOf(v.pipe(v.string(), v.regex(/^[a-z0-9*][a-z0-9*.:_-]*$/), v.maxCodePoints(255)), 500),
  v.minLength(1),
  v.description(
    "providers such as anthropic, hosts such as api.example.com, or *.example.com for all below it",
  ),
);

const models = v.pipe(
  listOf(v.pipe(v.string(), v.regex(/^[^\s\p{Cc}]+$/u), v.maxCodePoints(200)), 500),
  v.minLength(1),
  v.description("models such as claude-opus-4-5; * stands for any letters, as in gpt-5*"),
);

const usd = v.pipe(
  v.string(),
  v.regex(/^\d{1,9}(?:\.\d{1,9})?$/),
  v.description("US dollars as a decimal, for example 100.00; 0 lets nothing pass"),
);

const providerSlug = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]*$/), v.maxCodePoints(64));

/** What is no whole number is not held against the bounds as well. */
const windowDays = v.config(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(92)), {
  abortPipeEarly: true,
});

export const policyRule = v.variant("type", [
  v.strictObject({ type: v.literal("PROVIDER_ALLOWLIST"), ...common, providers }),
  v.strictObject({ type: v.literal("PROVIDER_DENYLIST"), ...common, providers }),
  v.strictObject({ type: v.literal("MODEL_ALLOWLIST"), ...common, models }),
  v.strictObject({ type: v.literal("MODEL_DENYLIST"), ...common, models }),
  v.strictObject({
    type: v.literal("MONTHLY_SPEND_CAP_PER_SUBJECT"),
    ...common,
    provider: v.pipe(providerSlug, v.description("the one provider whose spend is counted")),
    capUsd: usd,
  }),
  v.strictObject({
    type: v.literal("BUDGET_CROSS_PROVIDER"),
    ...common,
    budgetUsd: usd,
    windowDays: v.pipe(windowDays, v.description("UTC days, today included")),
    per: v.optional(
      v.pipe(
        v.picklist(["subject", "scope"]),
        v.description("whether each person has the budget, or all of the scope together"),
      ),
      "subject",
    ),
    providers: v.optional(
      v.pipe(
        listOf(providerSlug, 500),
        v.minLength(1),
        v.description("whose spend is counted; every provider's where it is left out"),
      ),
    ),
  }),
  v.strictObject({ type: v.literal("COST_CENTRE_REQUIRED"), ...common }),
  v.strictObject({
    type: v.literal("CONTENT_DLP"),
    ...common,
    in: v.optional(
      v.pipe(
        v.picklist(["request", "answer"]),
        v.description(
          "where it is looked for: in what is sent, or in what the model answers, of which a rule names phrases alone and may only OBSERVE or WARN",
        ),
      ),
      "request",
    ),
    detectors: v.optional(
      v.pipe(
        listOf(
          v.picklist([
            "secret",
            "payment_card",
            "bank_account",
            "us_social_security_number",
            "email_address",
          ]),
          5,
        ),
        v.description("kinds of content that are looked for by form and check digits"),
      ),
      [],
    ),
    phrases: v.optional(
      v.pipe(
        listOf(v.pipe(shown(200), v.minCodePoints(3)), 500),
        v.description("words that must not be in it, whatever their case"),
      ),
      [],
    ),
    inspect: v.optional(
      v.pipe(
        v.picklist(["new_content", "whole_request"]),
        v.description(
          "a blocked prompt stays in a conversation and is sent again with every later turn: look at what is new alone, or at all of it",
        ),
      ),
      "new_content",
    ),
  }),
]);

export const policyDocument = v.strictObject({
  summary: v.optional(v.pipe(shown(2000), v.description("one paragraph on what the policy is for"))),
  rules: listOf(policyRule, 200),
});

export type PolicyDocument = v.InferOutput<typeof policyDocument>;
export type PolicyRule = PolicyDocument["rules"][number];
export type PolicyRuleType = PolicyRule["type"];
export type PolicyAction = PolicyRule["action"];
export type PolicyScope = PolicyRule["scope"];

export const policyRuleTypes = policyRule.options.map(({ entries }) => entries.type.literal);
