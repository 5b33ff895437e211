/** Policies to try a reader with, as text. */
import fc from "fast-check";
import { policyRuleTypes } from "../policy/document.ts";

/** A rule of a type, without what the type needs. */
export const rule = (type: string, rest: object = {}): Record<string, unknown> => ({
  type,
  name: `rule of type ${type}`,
  action: "BLOCK",
  ...rest,
});

/** One good rule of each type. */
export const goodRules: Readonly<Record<string, object>> = {
  PROVIDER_ALLOWLIST: { providers: ["openai", "api.example.com", "*.example.org"] },
  PROVIDER_DENYLIST: { providers: ["deepseek"] },
  MODEL_ALLOWLIST: { models: ["claude-*", "gpt-5"] },
  MODEL_DENYLIST: { models: ["*-preview"] },
  MONTHLY_SPEND_CAP_PER_SUBJECT: { provider: "openai", capUsd: "100.00" },
  BUDGET_CROSS_PROVIDER: { budgetUsd: "1000", windowDays: 30 },
  COST_CENTRE_REQUIRED: {},
  CONTENT_DLP: { detectors: ["secret"], phrases: ["project nightingale"] },
};

/** Good policies with one thing in them changed, so that many are good and many are nearly. */
export const policies: fc.Arbitrary<string> = fc
  .record({
    type: fc.constantFrom(...policyRuleTypes),
    field: fc.constantFrom(
      "nothing",
      "nothing",
      "nothing",
      "nothing",
      "name",
      "type",
      "action",
      "scope",
      "onUnknown",
      "message",
      "providers",
      "models",
      "provider",
      "capUsd",
      "windowDays",
      "detectors",
      "in",
      "other",
    ),
    value: fc.oneof(
      fc.constantFrom<unknown>(
        undefined,
        null,
        1,
        0,
        93,
        -1,
        1.5,
        "",
        " x",
        "x",
        "open",
        "answer",
        "BLOCK",
        "12.5",
        [],
        ["x"],
      ),
      fc.constantFrom<unknown>(
        ["gpt-5*"],
        ["secret"],
        ["api.example.com"],
        ["A b"],
        { kind: "organisation" },
        { kind: "x" },
      ),
      fc.record({ kind: fc.constant("team"), team: fc.string({ unit: "grapheme-ascii" }) }),
    ),
  })
  .map(({ type, field, value }) =>
    JSON.stringify({
      rules: [{ ...rule(type, goodRules[type]), ...(field === "nothing" ? {} : { [field]: value }) }],
    }),
  );
