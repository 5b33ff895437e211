/** What a policy may say, what is wrong with one in words, and how a call is judged by it. */
import test from "ava";
import fc from "fast-check";
import { goodRules, policies, rule } from "../testing/policies.ts";
import { policyRuleTypes, type PolicyRule } from "./document.ts";
import { countsSpendOf, createJudge, takesEffect, type JudgedFacts, type Verdict } from "./judge.ts";
import { parsePolicyDocument } from "./parse.ts";

const faultsOf = (document: unknown): readonly string[] => {
  const parsed = parsePolicyDocument(JSON.stringify(document));
  return parsed.ok ? [] : parsed.faults;
};

test("each of the eight types of rule is read, with what it leaves out filled in", (t) => {
  t.deepEqual(Object.keys(goodRules), policyRuleTypes);
  const parsed = parsePolicyDocument(
    JSON.stringify({ rules: policyRuleTypes.map((type) => rule(type, goodRules[type])) }),
  );
  if (!parsed.ok) return t.fail(parsed.faults.join("\n"));
  for (const { scope, onUnknown, action } of parsed.value.rules) {
    t.deepEqual(
      { scope, onUnknown, action },
      { scope: { kind: "organisation" }, onUnknown: "open", action: "BLOCK" },
    );
  }
  t.like(parsed.value.rules[5], { per: "subject" });
  t.like(parsed.value.rules[7], { in: "request", inspect: "new_content" });
});

const faulty: [document: unknown, ...faults: string[]][] = [
  [null, "the policy must be an object"],
  [[], "the policy must be an object"],
  [{}, "the policy: rules is missing"],
  [{ rules: {} }, "the policy: rules must be a list"],
  [{ rules: [], extra: 1 }, 'the policy has no field "extra"'],
  [{ rules: [], type: "COST_CENTRE_REQUIRED", kind: "team" }, 'the policy has no field "type", "kind"'],
  [[1], "the policy must be an object"],
  [{ rules: [[1], null] }, "rule 1 must be an object", "rule 2 must be an object"],
  [{ rules: Array.from({ length: 201 }, () => 1) }, "the policy: rules must hold at most 200 entries"],
  [{ rules: [], summary: 5 }, "the policy: summary must be text"],
  [{ rules: ["x"] }, "rule 1 must be an object"],
  [{ rules: [{ name: "a" }] }, `rule 1 ("a"): type must be one of ${policyRuleTypes.join(", ")}`],
  [
    { rules: [rule("COST_CENTRE_REQUIRED", { action: undefined, name: "a" })] },
    'rule 1 ("a"): action is missing',
  ],
  [
    { rules: [rule("COST_CENTRE_REQUIRED", { action: "STOP", name: "a" })] },
    'rule 1 ("a"): action must be one of OBSERVE, WARN, BLOCK',
  ],
  [
    { rules: [rule("COST_CENTRE_REQUIRED", { name: " a" })] },
    'rule 1 (" a"): name must be one line that does not begin with a blank',
  ],
  [
    { rules: [rule("COST_CENTRE_REQUIRED", { name: "a", scope: { kind: "team" } })] },
    'rule 1 ("a"): scope.team is missing',
  ],
  [
    { rules: [rule("COST_CENTRE_REQUIRED", { name: "a", scope: { kind: "planet" } })] },
    'rule 1 ("a"): scope.kind must be one of organisation, team, cost_centre, service_account',
  ],
  [
    { rules: [rule("COST_CENTRE_REQUIRED", { name: "a", scope: { kind: "team", team: "x", a: 1, b: 2 } })] },
    'rule 1 ("a"): scope has no field "a", "b"',
  ],
  [
    { rules: [rule("MODEL_DENYLIST", { name: "a" }), rule("MODEL_ALLOWLIST", { name: "b", models: [] })] },
    'rule 1 ("a"): models is missing',
    'rule 2 ("b"): models must hold at least 1 entry',
  ],
  [
    { rules: [rule("MODEL_DENYLIST", { name: "a", models: ["gpt", "g p t"], colour: "red" })] },
    'rule 1 ("a"): models[2] must be a model\'s name without blanks',
    'rule 1 ("a") has no field "colour"',
  ],
  [
    { rules: [rule("MONTHLY_SPEND_CAP_PER_SUBJECT", { name: "a", provider: "openai", capUsd: 5 })] },
    'rule 1 ("a"): capUsd must be text',
  ],
  [
    { rules: [rule("MONTHLY_SPEND_CAP_PER_SUBJECT", { name: "a", provider: "openai", capUsd: "-5" })] },
    'rule 1 ("a"): capUsd must be US dollars as a decimal such as 100.00',
  ],
  [
    { rules: [rule("BUDGET_CROSS_PROVIDER", { name: "a", budgetUsd: "5", windowDays: 1.5 })] },
    'rule 1 ("a"): windowDays must be a whole number',
  ],
  [
    { rules: [rule("BUDGET_CROSS_PROVIDER", { name: "a", budgetUsd: "5", windowDays: 0.5 })] },
    'rule 1 ("a"): windowDays must be a whole number',
  ],
  [
    { rules: [rule("BUDGET_CROSS_PROVIDER", { name: "a", budgetUsd: "5", windowDays: 93 })] },
    'rule 1 ("a"): windowDays must be at most 92',
  ],
  [
    {
      rules: [
        rule("PROVIDER_DENYLIST", { name: "a", providers: ["opneai", "api.example.com:8443", "*x.com"] }),
      ],
    },
    'rule 1 ("a"): providers: "opneai" is no provider that is known, such as openai or anthropic; for others name the host',
    'rule 1 ("a"): providers: "api.example.com:8443" must not have a port, for a call is judged by its host',
    'rule 1 ("a"): providers: "*x.com" must be a host or *.suffix: a * stands for whole labels at the front only',
  ],
  [
    { rules: [rule("CONTENT_DLP", { name: "a" })] },
    'rule 1 ("a"): name at least one of detectors or one of phrases to look for',
  ],
  [
    { rules: [rule("CONTENT_DLP", { name: "a", in: "reply", phrases: ["abc"] })] },
    'rule 1 ("a"): in must be one of request, answer',
  ],
  [
    { rules: [rule("CONTENT_DLP", { name: "a", in: "answer", phrases: ["abc"] })] },
    'rule 1 ("a"): action must be OBSERVE or WARN, for an answer is with the person while it is read and cannot be taken back',
  ],
  [
    {
      rules: [
        rule("CONTENT_DLP", {
          name: "a",
          in: "answer",
          action: "WARN",
          detectors: ["secret"],
          inspect: "whole_request",
          onUnknown: "closed",
        }),
      ],
    },
    'rule 1 ("a"): phrases must name at least one phrase to look for in answers',
    'rule 1 ("a"): detectors look at what is sent alone; in answers phrases are looked for',
    'rule 1 ("a"): inspect is about what is sent alone; an answer comes once',
    'rule 1 ("a"): onUnknown must be open, for an answer that cannot be read has passed already',
  ],
  [
    {
      rules: [
        rule("CONTENT_DLP", { name: "a", in: "answer", action: "WARN", phrases: ["abc"] }),
        rule("CONTENT_DLP", { name: "b", in: "answer", action: "OBSERVE", phrases: ["abc"] }),
      ],
    },
  ],
  [
    { rules: [rule("COST_CENTRE_REQUIRED", { name: "a" }), rule("COST_CENTRE_REQUIRED", { name: "a" })] },
    'rule 2 ("a"): rule 1 has this name already',
  ],
  [
    { rules: [rule("MODEL_DENYLIST", { name: "a", models: ["x"], message: "x".repeat(301) })] },
    'rule 1 ("a"): message must have at most 300 characters',
  ],
  [{ rules: [rule("MODEL_DENYLIST", { name: "a", models: ["x"], message: "😀".repeat(300) })] }],
];
for (const [document, ...faults] of faulty) {
  test(`${JSON.stringify(document).slice(0, 150)} -> ${faults.length} faults`, (t) => {
    t.deepEqual(faultsOf(document), faults);
  });
}

test("what is not JSON, or too much, is said in one line", (t) => {
  for (const text of ["", "{", "{'rules': []}", `{"rules":\n[]\n]`, "x".repeat(200_001)]) {
    const parsed = parsePolicyDocument(text);
    t.false(parsed.ok);
    if (!parsed.ok) for (const fault of parsed.faults) t.regex(fault, /^[^\n]+$/);
  }
});

test("nothing makes the parser throw, and a policy once read reads the same again", (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.json().map((text) => `{"rules":[${text}]}`),
        policies,
      ),
      (text) => {
        const parsed = parsePolicyDocument(text);
        if (!parsed.ok) return parsed.faults.every((fault) => !fault.includes("\n"));
        const again = parsePolicyDocument(JSON.stringify(parsed.value));
        return again.ok && JSON.stringify(again.value) === JSON.stringify(parsed.value);
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});

const facts: JudgedFacts = {
  spentNanoUsd: () => 50_000_000_000n,
  hasCostCentre: () => true,
  holdsContent: () => false,
};
const unknown: JudgedFacts = {
  spentNanoUsd: () => null,
  hasCostCentre: () => null,
  holdsContent: () => null,
};

type Call = [provider: string, host: string | null, model: string | null];
const openai: Call = ["openai", "api.openai.com", "gpt-5-2025-08-07"];
const bedrock: Call = ["aws-bedrock", null, "us.anthropic.claude-opus-4-5-20251101-v1:0"];

const judged: [type: string, rest: object, call: Call, given: JudgedFacts, verdict: Verdict][] = [
  ["PROVIDER_ALLOWLIST", { providers: ["openai"] }, openai, facts, "kept"],
  ["PROVIDER_ALLOWLIST", { providers: ["anthropic"] }, openai, facts, "broken"],
  ["PROVIDER_ALLOWLIST", { providers: ["*.openai.com"] }, openai, facts, "kept"],
  ["PROVIDER_ALLOWLIST", { providers: ["openai.com"] }, openai, facts, "broken"],
  ["PROVIDER_ALLOWLIST", { providers: ["api.example.com"] }, bedrock, facts, "unknown"],
  ["PROVIDER_ALLOWLIST", { providers: ["aws-bedrock", "api.example.com"] }, bedrock, facts, "kept"],
  ["PROVIDER_DENYLIST", { providers: ["openai"] }, openai, facts, "broken"],
  ["PROVIDER_DENYLIST", { providers: ["api.openai.com"] }, openai, facts, "broken"],
  ["PROVIDER_DENYLIST", { providers: ["*.api.openai.com"] }, openai, facts, "kept"],
  ["PROVIDER_DENYLIST", { providers: ["api.openai.com"] }, bedrock, facts, "unknown"],
  ["MODEL_ALLOWLIST", { models: ["gpt-5"] }, openai, facts, "kept"],
  ["MODEL_ALLOWLIST", { models: ["GPT-*"] }, openai, facts, "kept"],
  ["MODEL_ALLOWLIST", { models: ["gpt-4*"] }, openai, facts, "broken"],
  ["MODEL_ALLOWLIST", { models: ["gpt-4*"] }, ["openai", null, null], facts, "unknown"],
  ["MODEL_DENYLIST", { models: ["claude-opus-4-5"] }, bedrock, facts, "broken"],
  ["MODEL_DENYLIST", { models: ["claude-opus-4"] }, bedrock, facts, "kept"],
  ["MODEL_DENYLIST", { models: ["*opus*5*"] }, bedrock, facts, "broken"],
  ["MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "50" }, openai, facts, "broken"],
  ["MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "50.000000001" }, openai, facts, "kept"],
  ["MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "0" }, openai, facts, "broken"],
  ["MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "50" }, bedrock, facts, "kept"],
  ["MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "50" }, openai, unknown, "unknown"],
  ["BUDGET_CROSS_PROVIDER", { budgetUsd: "50", windowDays: 7 }, bedrock, facts, "broken"],
  ["BUDGET_CROSS_PROVIDER", { budgetUsd: "51", windowDays: 7 }, bedrock, facts, "kept"],
  [
    "BUDGET_CROSS_PROVIDER",
    { budgetUsd: "50", windowDays: 7, providers: ["openai"] },
    bedrock,
    facts,
    "kept",
  ],
  ["COST_CENTRE_REQUIRED", {}, openai, facts, "kept"],
  ["COST_CENTRE_REQUIRED", {}, openai, { ...facts, hasCostCentre: () => false }, "broken"],
  ["COST_CENTRE_REQUIRED", {}, openai, unknown, "unknown"],
  ["CONTENT_DLP", { phrases: ["secret"] }, openai, facts, "kept"],
  ["CONTENT_DLP", { phrases: ["secret"] }, openai, { ...facts, holdsContent: () => true }, "broken"],
  ["CONTENT_DLP", { phrases: ["secret"] }, openai, unknown, "unknown"],
];
for (const [type, rest, [provider, host, model], given, verdict] of judged) {
  const known = given === unknown ? "nothing known" : "all known";
  test(`${type} ${JSON.stringify(rest)}: ${provider}, ${host}, ${model}, ${known} -> ${verdict}`, (t) => {
    t.is(createJudge(readRule(type, rest))({ provider, host, model }, given), verdict);
  });
}

function readRule(type: string, rest: object): PolicyRule {
  const parsed = parsePolicyDocument(JSON.stringify({ rules: [rule(type, rest)] }));
  const [first] = parsed.ok ? parsed.value.rules : [];
  if (first === undefined) throw new Error(parsed.ok ? "no rule" : parsed.faults.join("\n"));
  return first;
}

test("what cannot be known lets pass, unless the rule says otherwise", (t) => {
  const open = readRule("MODEL_DENYLIST", { models: ["x"] });
  const closed = readRule("MODEL_DENYLIST", { models: ["x"], onUnknown: "closed" });
  t.deepEqual(
    (["kept", "unknown", "broken"] as const).map((verdict) => [
      takesEffect(open, verdict),
      takesEffect(closed, verdict),
    ]),
    [
      [false, false],
      [false, true],
      [true, true],
    ],
  );
});

test("whose spend counts", (t) => {
  const cap = readRule("MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "1" });
  const some = readRule("BUDGET_CROSS_PROVIDER", { budgetUsd: "1", windowDays: 1, providers: ["openai"] });
  const all = readRule("BUDGET_CROSS_PROVIDER", { budgetUsd: "1", windowDays: 1 });
  const none = readRule("COST_CENTRE_REQUIRED", {});
  const counts = (given: PolicyRule) =>
    ["openai", "google"].map((provider) => countsSpendOf(given, provider));
  t.deepEqual([cap, some, all, none].map(counts), [
    [true, false],
    [true, false],
    [true, true],
    [false, false],
  ]);
});

test("a * in a model's pattern means what it means in a regular expression", (t) => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "-", "."), maxLength: 8 });
  const patterns = fc.array(letters, { minLength: 2, maxLength: 4 }).map((parts) => `x${parts.join("*")}`);
  fc.assert(
    fc.property(patterns, letters, (pattern, rest) => {
      const expression = new RegExp(
        `^${pattern
          .split("*")
          .map((part) => part.replaceAll(".", "\\."))
          .join(".*")}$`,
      );
      const model = `x${rest}`;
      const listed =
        createJudge(readRule("MODEL_DENYLIST", { models: [pattern] }))(
          { provider: "p", host: null, model },
          facts,
        ) === "broken";
      return listed === expression.test(model);
    }),
    { numRuns: 500 },
  );
  t.pass();
});
