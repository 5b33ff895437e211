import { z } from "zod";

/**
 * An organisation's policy as it is written, kept, and sent to those who enforce it. Its JSON Schema is served at
 * `/api/v1/policy.schema.json`; docs/policy.md says what each rule means.
 */

/** Text for people: one line that does not begin with a blank. */
const shown = (most: number) =>
  z
    .string()
    .regex(/^[^\s\p{Cc}][^\p{Cc}]*$/u)
    .max(most);

const scope = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("organisation") }),
    z.strictObject({ kind: z.literal("team"), team: shown(200).describe("its id, or its name") }),
    z.strictObject({
      kind: z.literal("cost_centre"),
      costCentre: shown(200).describe("as teams and projects state it"),
    }),
    z.strictObject({
      kind: z.literal("service_account"),
      serviceAccount: shown(200).describe("its id, or its name"),
    }),
  ])
  .default({ kind: "organisation" })
  .describe("who it is for; a team stands for the teams below it as well");

const common = {
  name: shown(100).describe("as people see it who are blocked; unique in the policy"),
  action: z
    .enum(["OBSERVE", "WARN", "BLOCK"])
    .describe(
      "what happens to a call that breaks the rule: it is counted, the person is warned, or it is refused",
    ),
  scope,
  onUnknown: z
    .enum(["open", "closed"])
    .default("open")
    .describe(
      "what happens to a call of which it cannot be known whether it breaks the rule: let pass, or as if it did",
    ),
  message: shown(300).optional().describe("told to whoever is warned or blocked: what to do, whom to ask"),
};

const providers = z
  .array(
    z
      .string()
      .regex(/^[a-z0-9*][a-z0-9*.:_-]*$/)
      .max(255),
  )
  .min(1)
  .max(500)
  .describe("providers such as anthropic, hosts such as api.example.com, or *.example.com for all below it");

const models = z
  .array(
    z
      .string()
      .regex(/^[^\s\p{Cc}]+$/u)
      .max(200),
  )
  .min(1)
  .max(500)
  .describe("models such as claude-opus-4-5; * stands for any letters, as in gpt-5*");

const usd = z
  .string()
  .regex(/^\d{1,9}(?:\.\d{1,9})?$/)
  .describe("US dollars as a decimal, for example 100.00; 0 lets nothing pass");

const providerSlug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/)
  .max(64);

export const policyRule = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("PROVIDER_ALLOWLIST"), ...common, providers }),
  z.strictObject({ type: z.literal("PROVIDER_DENYLIST"), ...common, providers }),
  z.strictObject({ type: z.literal("MODEL_ALLOWLIST"), ...common, models }),
  z.strictObject({ type: z.literal("MODEL_DENYLIST"), ...common, models }),
  z.strictObject({
    type: z.literal("MONTHLY_SPEND_CAP_PER_SUBJECT"),
    ...common,
    provider: providerSlug.describe("the one provider whose spend is counted"),
    capUsd: usd,
  }),
  z.strictObject({
    type: z.literal("BUDGET_CROSS_PROVIDER"),
    ...common,
    budgetUsd: usd,
    windowDays: z.int().min(1).max(92).describe("UTC days, today included"),
    per: z
      .enum(["subject", "scope"])
      .default("subject")
      .describe("whether each person has the budget, or all of the scope together"),
    providers: z
      .array(providerSlug)
      .min(1)
      .max(500)
      .optional()
      .describe("whose spend is counted; every provider's where it is left out"),
  }),
  z.strictObject({ type: z.literal("COST_CENTRE_REQUIRED"), ...common }),
  z.strictObject({
    type: z.literal("CONTENT_DLP"),
    ...common,
    in: z
      .enum(["request", "answer"])
      .default("request")
      .describe(
        "where it is looked for: in what is sent, or in what the model answers, of which a rule names phrases alone and may only OBSERVE or WARN",
      ),
    detectors: z
      .array(z.enum(["secret", "payment_card", "bank_account", "us_social_security_number", "email_address"]))
      .max(5)
      .default([])
      .describe("kinds of content that are looked for by form and check digits"),
    phrases: z
      .array(shown(200).min(3))
      .max(500)
      .default([])
      .describe("words that must not be in it, whatever their case"),
    inspect: z
      .enum(["new_content", "whole_request"])
      .default("new_content")
      .describe(
        "a blocked prompt stays in a conversation and is sent again with every later turn: look at what is new alone, or at all of it",
      ),
  }),
]);

export const policyDocument = z.strictObject({
  summary: shown(2000).optional().describe("one paragraph on what the policy is for"),
  rules: z.array(policyRule).max(200),
});

export type PolicyDocument = z.infer<typeof policyDocument>;
export type PolicyRule = PolicyDocument["rules"][number];
export type PolicyRuleType = PolicyRule["type"];
export type PolicyAction = PolicyRule["action"];
export type PolicyScope = PolicyRule["scope"];

export const policyRuleTypes = policyRule.options.map(({ shape }) => shape.type.value);
