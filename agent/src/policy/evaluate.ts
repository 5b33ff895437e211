import * as v from "valibot";
import { policyRule, type PolicyAction, type PolicyRule } from "@flowstate/shared/policy/document";
import { createJudge, takesEffect, type Judge } from "@flowstate/shared/policy/judge";
import { parseUsd } from "@flowstate/shared/money";
import { addDays, dateOf, dayMs, periodBounds, periodOf } from "@flowstate/shared/time";
import type { AgentPolicy } from "@flowstate/shared/wire/agent-policy";
import type { ContentCounts } from "@flowstate/shared/wire/content";
import type { Said } from "../observe/intercept/usage/reading.ts";
import { createAnswerHearings } from "./answers.ts";
import {
  createContentCounter,
  createContentFinder,
  requestTexts,
  type CountContent,
  type FindContent,
} from "./content.ts";
import { seenContent } from "./detectors/new-content.ts";
import type { Verdict } from "./refuse.ts";

/** What of a pending call the rules look at. */
export interface JudgedRequest {
  readonly provider: string;
  readonly host: string;
  readonly model: string | null;
  /** The request body as JSON; null where it could not be read. */
  readonly body: unknown;
}

/** A rule that a call broke, and what it says to do. */
export interface Broken {
  /** Whether by what was sent or by what was answered. */
  readonly by: "request" | "answer";
  readonly rule: string;
  readonly action: PolicyAction;
  /** False where the organisation only observes. */
  readonly enforced: boolean;
  /** What a content rule found; empty for every other rule, and where the content could not be read. */
  readonly found: ContentCounts;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly broken: readonly Broken[];
}

/** One answer of the control plane, made ready. */
export interface Evaluator {
  /** Whether there is anything to judge requests by: else they need not be held until they are whole. */
  readonly hasRules: boolean;
  /** Names of rules of a type that this agent does not know: they are left out, never blocked by. */
  readonly notUnderstood: readonly string[];
  judge(request: JudgedRequest, now: number): Judgement;
  /** Listens to an answer that begins; null where no rule is about answers. */
  listen(): HeardAnswer | null;
}

/** One answer as it passes, by the rules about answers. */
export interface HeardAnswer {
  hear(said: readonly Said[]): void;
  /** The rules that it has broken so far. */
  broken(): readonly Broken[];
}

interface ReadyRule {
  readonly rule: PolicyRule;
  readonly judge: Judge;
  readonly spentNanoUsd: bigint | null;
  readonly findContent: FindContent;
  readonly countContent: CountContent;
}

/** Texts are new or not to the device, whichever policy is in force. */
const seen = seenContent();

export function createEvaluator(policy: AgentPolicy, freshOf = seen.fresh): Evaluator {
  const issuedAt = Date.parse(policy.issuedAt);
  const read = policy.rules.map((applied) => ({ applied, parsed: v.safeParse(policyRule, applied.rule) }));
  const rules = read.flatMap(({ applied, parsed }) =>
    parsed.success && !isAboutAnswers(parsed.output) ? [readyRule(parsed.output, applied.spentUsd)] : [],
  );
  const aboutAnswers = read.flatMap(({ parsed }) =>
    parsed.success && isAboutAnswers(parsed.output) ? [parsed.output] : [],
  );
  const openHearing =
    aboutAnswers.length === 0 ? null : createAnswerHearings(aboutAnswers.flatMap(({ phrases }) => phrases));
  const enforced = policy.settings.enforcement === "enforce";
  return {
    hasRules: rules.length > 0,
    notUnderstood: read.flatMap(({ applied, parsed }) => (parsed.success ? [] : [applied.rule.name])),
    judge({ body, ...call }, now) {
      const texts = requestTexts(body, freshOf);
      const broken = rules.filter(({ rule, judge, spentNanoUsd, findContent }) => {
        const verdict = judge(call, {
          spentNanoUsd: () => (holdsStill(rule, issuedAt, now) ? spentNanoUsd : null),
          hasCostCentre: () => policy.hasCostCentre,
          holdsContent: () => findContent(texts),
        });
        return takesEffect(rule, verdict);
      });
      const blocking = enforced ? broken.find(({ rule }) => rule.action === "BLOCK") : undefined;
      return {
        verdict: blocking === undefined ? { kind: "allow" } : refusalOf(blocking.rule, now),
        broken: broken.map(({ rule: { name, action }, countContent }) => ({
          by: "request",
          rule: name,
          action,
          enforced,
          found: countContent(texts),
        })),
      };
    },
    listen() {
      if (openHearing === null) return null;
      const { hear, count } = openHearing();
      const broken = ({ name, action, phrases }: ContentRule): readonly Broken[] => {
        const phrase = count(phrases);
        return phrase === 0 ? [] : [{ by: "answer", rule: name, action, enforced, found: { phrase } }];
      };
      return { hear, broken: () => aboutAnswers.flatMap(broken) };
    },
  };
}

type ContentRule = Extract<PolicyRule, { type: "CONTENT_DLP" }>;

function isAboutAnswers(rule: PolicyRule): rule is ContentRule {
  return rule.type === "CONTENT_DLP" && rule.in === "answer";
}

function readyRule(rule: PolicyRule, spentUsd: string | null): ReadyRule {
  const spent = spentUsd === null ? null : parseUsd(spentUsd);
  return {
    rule,
    judge: createJudge(rule),
    spentNanoUsd: spent?.ok === true ? spent.value : null,
    findContent: rule.type === "CONTENT_DLP" ? createContentFinder(rule) : () => null,
    countContent: rule.type === "CONTENT_DLP" ? createContentCounter(rule) : () => ({}),
  };
}

/** Whether what was spent when the control plane was last heard says something of now. */
function holdsStill(rule: PolicyRule, issuedAt: number, now: number): boolean {
  return rule.type === "MONTHLY_SPEND_CAP_PER_SUBJECT"
    ? periodOf(issuedAt) === periodOf(now)
    : now - issuedAt < dayMs;
}

function refusalOf(rule: PolicyRule, now: number): Verdict {
  const resetsAt = resetOf(rule, now);
  const until =
    resetsAt === null
      ? ""
      : ` It may open again at ${new Date(resetsAt).toISOString().slice(0, 16).replace("T", " ")} UTC.`;
  const advice = rule.message ?? "Ask your administrator.";
  return {
    kind: "refuse",
    message: `Your organisation's policy does not allow this call (rule "${rule.name}"). ${advice}${until}`,
    resetsAt,
  };
}

/** When the first spend leaves the window that is used up. */
function resetOf(rule: PolicyRule, now: number): number | null {
  if (rule.type === "MONTHLY_SPEND_CAP_PER_SUBJECT") return periodBounds(periodOf(now)).to;
  return rule.type === "BUDGET_CROSS_PROVIDER" ? Date.parse(addDays(dateOf(now), 1)) : null;
}
