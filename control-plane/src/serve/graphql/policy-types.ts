import type { NanoUsd } from "@flowstate/shared/money";
import {
  policyRuleTypes,
  type PolicyAction,
  type PolicyRule,
  type PolicyRuleType,
} from "@flowstate/shared/policy/document";
import { conditionOf, summaryOf } from "../../policy/describe.ts";
import { fieldsOf, type PolicyChange } from "../../policy/diff.ts";
import type { DryRunAnswer } from "../../policy/dry-run/run.ts";
import type { PersonOutcome, RuleOutcome } from "../../policy/dry-run/simulate.ts";
import type { PolicyVersion } from "../../policy/queries.ts";
import { printScope, type ScopeNames } from "../../policy/scopes.ts";
import type { PolicyState } from "../../policy/tables.ts";
import type { Builder } from "./builder.ts";

/** A thing with the names by which its scopes are shown. */
export interface Named<T> {
  readonly of: T;
  readonly names: ScopeNames;
}

export interface PolicyDiff {
  readonly from: number | null;
  readonly to: number;
  readonly changes: readonly PolicyChange[];
}

export function addPolicyTypes(builder: Builder) {
  const Action = addAction(builder);
  const Rule = addRule(builder, Action);
  return {
    Action,
    Version: addVersion(builder, Rule),
    Diff: addDiff(builder, Rule),
    DryRun: addDryRun(builder, Rule),
  };
}

type RuleRef = ReturnType<typeof addRule>;
export type ActionRef = ReturnType<typeof addAction>;

function addAction(builder: Builder) {
  return builder.enumType("RuleAction", {
    description: "what happens to a call that breaks a rule",
    values: {
      OBSERVE: { description: "it is counted" },
      WARN: { description: "the person is warned" },
      BLOCK: { description: "it is refused" },
    } satisfies Record<PolicyAction, { description: string }>,
  });
}

function addRule(builder: Builder, Action: ActionRef) {
  const typeTexts: Readonly<Record<PolicyRuleType, string>> = {
    PROVIDER_ALLOWLIST: "only these providers",
    PROVIDER_DENYLIST: "every provider but these",
    MODEL_ALLOWLIST: "only these models",
    MODEL_DENYLIST: "every model but these",
    MONTHLY_SPEND_CAP_PER_SUBJECT: "how much a person may spend on one provider in a month",
    BUDGET_CROSS_PROVIDER: "how much may be spent on several providers over some days",
    COST_CENTRE_REQUIRED: "people must work for a project that has a cost centre",
    CONTENT_DLP: "what must not be sent",
  };
  const Type = builder.enumType("RuleType", {
    description: "what a rule is about",
    values: Object.fromEntries(
      policyRuleTypes.map((type) => [type, { description: typeTexts[type] }]),
    ) as Record<PolicyRuleType, { description: string }>,
  });
  return builder.objectRef<Named<PolicyRule>>("PolicyRule").implement({
    description: "one rule of a policy",
    fields: (t) => ({
      name: t.string({ description: "unique in the policy", resolve: ({ of }) => of.name }),
      type: t.field({ type: Type, description: "what it is about", resolve: ({ of }) => of.type }),
      condition: t.string({
        description: "what a call must hold to, in words",
        resolve: ({ of }) => conditionOf(of),
      }),
      action: t.field({ type: Action, description: "what it does", resolve: ({ of }) => of.action }),
      scope: t.string({
        description: "who it is for",
        resolve: ({ of, names }) => printScope(of.scope, names),
      }),
      message: t.string({
        nullable: true,
        description: "what people are told whom it meets",
        resolve: ({ of }) => of.message ?? null,
      }),
    }),
  });
}

function addVersion(builder: Builder, Rule: RuleRef) {
  const State = builder.enumType("PolicyState", {
    description: "where a version of the policy stands",
    values: {
      DRAFT: { description: "changes nothing yet" },
      ACTIVE: { description: "the one in force" },
      ARCHIVED: { description: "was in force until another took its place" },
    } satisfies Record<PolicyState, { description: string }>,
  });
  return builder.objectRef<Named<PolicyVersion>>("PolicyVersion").implement({
    description: "a version of the organisation's policy; it never changes but in its state",
    fields: (t) => ({
      version: t.int({ description: "its number", resolve: ({ of }) => of.version }),
      state: t.field({ type: State, description: "where it stands", resolve: ({ of }) => of.state }),
      summary: t.string({
        description: "one paragraph on what it is for",
        resolve: ({ of }) => summaryOf(of.document),
      }),
      rules: t.field({
        type: [Rule],
        description: "its rules",
        resolve: ({ of, names }) => of.document.rules.map((rule) => ({ of: rule, names })),
      }),
      document: t.string({
        description: "the policy as JSON, with what was left out filled in and scopes by identifier",
        resolve: ({ of }) => JSON.stringify(of.document, null, 2),
      }),
      draftedAt: t.field({
        type: "DateTime",
        description: "when it was drafted",
        resolve: ({ of }) => of.draftedAt,
      }),
      draftedBy: t.string({ description: "by whom", resolve: ({ of }) => of.draftedBy }),
      baseVersion: t.int({
        nullable: true,
        description: "the version that was active then",
        resolve: ({ of }) => of.baseVersion,
      }),
      activatedAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "when it came into force; null where it never did",
        resolve: ({ of }) => of.activatedAt,
      }),
      approver: t.string({
        nullable: true,
        description: "who activated it",
        resolve: ({ of }) => of.activatedBy,
      }),
      archivedAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "when another took its place",
        resolve: ({ of }) => of.archivedAt,
      }),
      note: t.string({ nullable: true, description: "why it was drafted", resolve: ({ of }) => of.note }),
    }),
  });
}

function addDiff(builder: Builder, Rule: RuleRef) {
  const Kind = builder.enumType("PolicyChangeKind", {
    description: "what became of a rule",
    values: {
      ADDED: { description: "it is new" },
      REMOVED: { description: "it is gone" },
      CHANGED: { description: "it has the same name and says something else" },
    } satisfies Record<PolicyChange["kind"], { description: string }>,
  });
  const Change = builder.objectRef<Named<PolicyChange>>("PolicyChange").implement({
    description: "how one rule differs between two versions",
    fields: (t) => ({
      kind: t.field({ type: Kind, description: "what became of it", resolve: ({ of }) => of.kind }),
      name: t.string({ description: "the rule", resolve: ({ of }) => of.name }),
      before: t.field({
        type: Rule,
        nullable: true,
        description: "as it was; null for a new one",
        resolve: ({ of, names }) => ("before" in of ? { of: of.before, names } : null),
      }),
      after: t.field({
        type: Rule,
        nullable: true,
        description: "as it is; null for one that is gone",
        resolve: ({ of, names }) => ("after" in of ? { of: of.after, names } : null),
      }),
      fields: t.stringList({
        description: "what changed within it, a text for each field",
        resolve: ({ of, names }) => [...fieldsOf(of, names)],
      }),
    }),
  });
  return builder.objectRef<Named<PolicyDiff>>("PolicyDiff").implement({
    description: "how two versions of the policy differ",
    fields: (t) => ({
      from: t.int({
        nullable: true,
        description: "the older version; null where everything is new",
        resolve: ({ of }) => of.from,
      }),
      to: t.int({ description: "the newer version", resolve: ({ of }) => of.to }),
      changes: t.field({
        type: [Change],
        description: "rules that differ",
        resolve: ({ of, names }) => of.changes.map((change) => ({ of: change, names })),
      }),
    }),
  });
}

function addDryRun(builder: Builder, Rule: RuleRef) {
  const RuleResult = builder.objectRef<Named<RuleOutcome>>("PolicyRuleOutcome").implement({
    description: "what one rule would have met",
    fields: (t) => ({
      rule: t.field({
        type: Rule,
        description: "the rule",
        resolve: ({ of, names }) => ({ of: of.rule, names }),
      }),
      calls: t.field({ type: "BigInt", description: "calls that break it", resolve: ({ of }) => of.calls }),
      costUsd: t.field({
        type: "Usd",
        description: "their list price",
        resolve: ({ of }) => of.costNanoUsd as NanoUsd,
      }),
      people: t.int({ description: "people who made them", resolve: ({ of }) => of.people }),
      unknownCalls: t.field({
        type: "BigInt",
        description: "calls of which it cannot be known; a closed rule counts them among its own",
        resolve: ({ of }) => of.unknownCalls,
      }),
      firstAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "hour of the first of them",
        resolve: ({ of }) => of.firstAt,
      }),
      notTried: t.string({
        nullable: true,
        description: "why nothing can be said of this rule; null where it can",
        resolve: ({ of }) => of.notTried,
      }),
    }),
  });
  const Person = builder.objectRef<PersonOutcome>("PolicyPersonOutcome").implement({
    description: "what one person would have noticed",
    fields: (t) => ({
      subject: t.exposeString("person", { description: "e-mail, or service account" }),
      blockedCalls: t.field({
        type: "BigInt",
        description: "calls that would have been refused",
        resolve: ({ blocked }) => blocked.calls,
      }),
      blockedUsd: t.field({
        type: "Usd",
        description: "their list price",
        resolve: ({ blocked }) => blocked.costNanoUsd as NanoUsd,
      }),
      warnedCalls: t.expose("warnedCalls", { type: "BigInt", description: "calls with a warning" }),
      observedCalls: t.expose("observedCalls", {
        type: "BigInt",
        description: "calls that are counted alone",
      }),
      rules: t.stringList({ description: "the rules they broke", resolve: ({ rules }) => [...rules] }),
      firstBlockedAt: t.expose("firstBlockedAt", {
        type: "DateTime",
        nullable: true,
        description: "hour of the first call that would have been refused",
      }),
    }),
  });
  return builder.objectRef<Named<DryRunAnswer>>("PolicyDryRun").implement({
    description:
      "what a policy would have done to the calls that devices reported; spend counts by the hour, and what a block would have stopped is not spent",
    fields: (t) => ({
      startDate: t.field({ type: "Date", description: "first UTC day", resolve: ({ of }) => of.firstDay }),
      endDate: t.field({ type: "Date", description: "last UTC day", resolve: ({ of }) => of.lastDay }),
      calls: t.field({ type: "BigInt", description: "calls of these days", resolve: ({ of }) => of.calls }),
      blockedCalls: t.field({
        type: "BigInt",
        description: "those that would have been refused",
        resolve: ({ of }) => of.blocked.calls,
      }),
      blockedUsd: t.field({
        type: "Usd",
        description: "their list price",
        resolve: ({ of }) => of.blocked.costNanoUsd as NanoUsd,
      }),
      warnedCalls: t.field({
        type: "BigInt",
        description: "those with a warning and no block",
        resolve: ({ of }) => of.warnedCalls,
      }),
      observedCalls: t.field({
        type: "BigInt",
        description: "those that are counted alone",
        resolve: ({ of }) => of.observedCalls,
      }),
      rules: t.field({
        type: [RuleResult],
        description: "each rule by itself; a call may break several",
        resolve: ({ of, names }) => of.rules.map((rule) => ({ of: rule, names })),
      }),
      people: t.field({
        type: [Person],
        description: "who would have noticed, the most often refused first",
        args: { limit: t.arg.int({ defaultValue: 100, description: "at most so many, up to 10000" }) },
        resolve: ({ of }, { limit }) => of.people.slice(0, Math.max(0, Math.min(limit ?? 100, 10_000))),
      }),
      peopleBlocked: t.int({
        description: "how many people would have been refused a call",
        resolve: ({ of }) => of.people.filter(({ blocked }) => blocked.calls > 0n).length,
      }),
    }),
  });
}
