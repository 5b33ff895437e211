/** What a device makes of the rules it is told. */
import test from "ava";
import { defaultAgentSettings, type AgentPolicy } from "@flowstate/shared/wire/agent-policy";
import { createEvaluator, type JudgedRequest } from "./evaluate.ts";
import { seenContent } from "./detectors/new-content.ts";

const now = Date.parse("2026-11-20T09:30:00Z");

interface Circumstances {
  readonly enforcement?: "observe" | "enforce";
  readonly issuedAt?: number;
  readonly hasCostCentre?: boolean | null;
}

function policyOf(
  rules: readonly { readonly rule: object; readonly spentUsd?: string }[],
  { enforcement = "enforce", issuedAt = now, hasCostCentre = true }: Circumstances = {},
): AgentPolicy {
  return {
    version: 1,
    issuedAt: new Date(issuedAt).toISOString(),
    settings: { ...defaultAgentSettings, enforcement },
    rules: rules.map(({ rule, spentUsd = null }) => ({ rule: rule as never, spentUsd })),
    hasCostCentre,
  };
}

const rule = (name: string, type: string, rest: object = {}) => ({
  rule: { name, type, action: "BLOCK", ...rest },
});
const call: JudgedRequest = { provider: "openai", host: "api.openai.com", model: "gpt-5", body: {} };

/** The refusal's words or "allow", then each broken rule. */
function judged(policy: AgentPolicy, request: Partial<JudgedRequest> = {}, at = now): readonly string[] {
  const { verdict, broken } = createEvaluator(policy, seenContent().fresh).judge({ ...call, ...request }, at);
  return [
    verdict.kind === "allow" ? "allow" : verdict.message,
    ...broken.map(({ rule, action, enforced }) => `${rule} ${action}${enforced ? "" : " (observed)"}`),
  ];
}

const said = "Your organisation's policy does not allow this call";
const noGpt = rule("No GPT", "MODEL_DENYLIST", { models: ["gpt-*"] });

test("the first rule that blocks is told, and every broken one counted", (t) => {
  const warn = rule("Warn", "PROVIDER_DENYLIST", { providers: ["openai"], action: "WARN" });
  t.deepEqual(judged(policyOf([warn, noGpt])), [
    `${said} (rule "No GPT"). Ask your administrator.`,
    "Warn WARN",
    "No GPT BLOCK",
  ]);
  t.deepEqual(judged(policyOf([warn, noGpt], { enforcement: "observe" })), [
    "allow",
    "Warn WARN (observed)",
    "No GPT BLOCK (observed)",
  ]);
  t.deepEqual(judged(policyOf([warn, noGpt]), { provider: "google", model: "gemini" }), ["allow"]);
});

const cap = {
  ...rule("Cap", "MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "10" }),
  spentUsd: "10.00",
};
const budget = {
  ...rule("Budget", "BUDGET_CROSS_PROVIDER", { budgetUsd: "10", windowDays: 7 }),
  spentUsd: "10.00",
};
const month = Date.parse("2026-12-01T00:00:00Z");

const spends: [what: string, rules: Parameters<typeof policyOf>[0], at: number, result: readonly string[]][] =
  [
    [
      "a cap that is used up names when it opens again",
      [cap],
      now,
      [
        `${said} (rule "Cap"). Ask your administrator. It may open again at 2026-12-01 00:00 UTC.`,
        "Cap BLOCK",
      ],
    ],
    [
      "a budget that is used up names the next day",
      [budget],
      now,
      [
        `${said} (rule "Budget"). Ask your administrator. It may open again at 2026-11-21 00:00 UTC.`,
        "Budget BLOCK",
      ],
    ],
    ["a cap that is not used up", [{ ...cap, spentUsd: "9.99" }], now, ["allow"]],
    ["the spend of a month that is over says nothing of the next", [cap], month, ["allow"]],
    ["the spend of a day ago says nothing of a budget", [budget], now + 86_400_000, ["allow"]],
    [
      "unless the rule is closed to what is not known",
      [{ ...cap, rule: { ...cap.rule, onUnknown: "closed" } }],
      month,
      [
        `${said} (rule "Cap"). Ask your administrator. It may open again at 2027-01-01 00:00 UTC.`,
        "Cap BLOCK",
      ],
    ],
  ];
for (const [what, rules, at, result] of spends) {
  test(what, (t) => {
    t.deepEqual(judged(policyOf(rules), {}, at), result);
  });
}

test("no message holds an amount", (t) => {
  for (const each of [cap, budget]) t.notRegex(judged(policyOf([each]))[0] ?? "", /\b10\b/);
});

test("a cost centre is asked for, and not where the directory does not know the person", (t) => {
  const centre = rule("Centre", "COST_CENTRE_REQUIRED");
  const broken = (hasCostCentre: boolean | null) => judged(policyOf([centre], { hasCostCentre })).slice(1);
  t.deepEqual([broken(true), broken(null), broken(false)], [[], [], ["Centre BLOCK"]]);
});

const content = (rest: object) => policyOf([rule("Content", "CONTENT_DLP", rest)]);
const prompt = (...texts: readonly string[]) => ({
  messages: texts.map((each) => ({ role: "user", content: each })),
});
const card = "my card is 4111 1111 1111 1111";

const contents: [rest: object, body: unknown, isBroken: boolean][] = [
  [{ phrases: ["Project Nightingale"] }, prompt("what of project NIGHTINGALE?"), true],
  [{ phrases: ["Project Nightingale"] }, prompt("what of project nightjar?"), false],
  [{ detectors: ["payment_card"] }, prompt(card), true],
  [{ detectors: ["email_address"] }, prompt(card), false],
  [{ detectors: ["email_address"] }, prompt("write to ada@acme.io"), true],
  [{ detectors: ["bank_account"] }, prompt("DE89 3704 0044 0532 0130 00"), true],
  [{ detectors: ["us_social_security_number"] }, prompt("my number is 123-45-6789"), true],
  [{ detectors: ["secret"] }, prompt(["AKIA", "ABCDEFGHIJ234567"].join("")), true],
  [{ detectors: ["secret"] }, null, false],
  [{ detectors: ["secret"], onUnknown: "closed" }, null, true],
];
for (const [rest, body, isBroken] of contents) {
  test(`${JSON.stringify(rest)}: ${JSON.stringify(body)} -> ${isBroken ? "broken" : "kept"}`, (t) => {
    t.is(judged(content(rest), { body }).length > 1, isBroken);
  });
}

test("what a content rule found is counted by kind, and other rules find nothing", (t) => {
  const both = policyOf([
    rule("Content", "CONTENT_DLP", {
      detectors: ["secret", "email_address", "payment_card"],
      phrases: ["nightingale", "heron"],
    }),
    noGpt,
  ]);
  const key = ["AKIA", "ABCDEFGHIJ234567"].join("");
  const pem = ["-----BEGIN", "PRIVATE KEY-----"].join(" ");
  const body = prompt(`${key} and ${pem}`, "ada@acme.io, bob@acme.io", "Nightingale, nightingale");
  const { broken } = createEvaluator(both, seenContent().fresh).judge({ ...call, body }, now);
  t.deepEqual(
    broken.map(({ rule: name, found }) => [name, found]),
    [
      ["Content", { api_key: 1, secret: 1, email_address: 2, phrase: 1 }],
      ["No GPT", {}],
    ],
  );
});

test("what was looked at once is let by, or not, as the rule says", (t) => {
  const results = (inspect: string) => {
    const evaluator = createEvaluator(content({ detectors: ["payment_card"], inspect }), seenContent().fresh);
    return [prompt(card), prompt(card, "and now?")].map(
      (body) => evaluator.judge({ ...call, body }, now).verdict.kind,
    );
  };
  t.deepEqual(results("new_content"), ["refuse", "allow"]);
  t.deepEqual(results("whole_request"), ["refuse", "refuse"]);
});

const answers = (rest: object = {}) =>
  rule("Brand", "CONTENT_DLP", {
    in: "answer",
    action: "WARN",
    phrases: ["Acme Ltd", "guaranteed"],
    ...rest,
  });
const saying = (...texts: readonly string[]) => texts.map((text) => ({ part: "0", text }));

test("a rule about answers listens to answers and says nothing of requests", (t) => {
  const evaluator = createEvaluator(policyOf([answers(), noGpt]), seenContent().fresh);
  const sent = evaluator.judge({ ...call, body: prompt("is Acme Ltd guaranteed?") }, now);
  t.deepEqual(
    sent.broken.map(({ rule: name, by }) => [name, by]),
    [["No GPT", "request"]],
  );
  const heard = evaluator.listen();
  heard?.hear(saying("Our ACME"));
  t.deepEqual(heard?.broken(), []);
  heard?.hear(saying(" ltd is ", "guar", "anteed, acme ltd"));
  t.deepEqual(heard?.broken(), [
    { by: "answer", rule: "Brand", action: "WARN", enforced: true, found: { phrase: 2 } },
  ]);
  t.deepEqual(evaluator.listen()?.broken(), [], "the next answer begins anew");
});

test("requests are not held for rules about answers, nor answers heard without any", (t) => {
  const [about, not] = [createEvaluator(policyOf([answers()])), createEvaluator(policyOf([noGpt]))];
  t.deepEqual([about.hasRules, about.listen() === null], [false, false]);
  t.deepEqual([not.hasRules, not.listen() === null], [true, true]);
});

test("a rule of a type to come is named and blocks nothing", (t) => {
  const policy = policyOf([rule("Later", "QUANTUM_DENYLIST"), noGpt]);
  t.deepEqual(createEvaluator(policy).notUnderstood, ["Later"]);
  t.true(createEvaluator(policy).hasRules);
  t.false(createEvaluator(policyOf([rule("Later", "QUANTUM_DENYLIST")])).hasRules);
  t.deepEqual(judged(policy).slice(1), ["No GPT BLOCK"]);
});
