import { FlowstateError } from "@flowstate/shared/errors";
import { listPolicyHits, type PersonHits, type RuleHits } from "../../policy/hits.ts";
import { callerOf, type Builder } from "./builder.ts";
import type { ActionRef } from "./policy-types.ts";

const view = "AI_GOVERNANCE_VIEW";
const mostDays = 366;
const mostPeople = 1000;

/** Which rules calls on devices broke, as the devices themselves tell. */
export function addPolicyHits(builder: Builder, Action: ActionRef): void {
  const counts = {
    calls: "calls that broke it",
    enforcedCalls: "those on which it took effect; the others were only observed",
  };
  const Person = builder.objectRef<PersonHits>("PolicyPersonHits").implement({
    description: "what one person's calls did to a rule",
    fields: (t) => ({
      subject: t.exposeString("subject", { description: "e-mail, or service account" }),
      calls: t.expose("calls", { type: "BigInt", description: counts.calls }),
      enforcedCalls: t.expose("enforcedCalls", { type: "BigInt", description: counts.enforcedCalls }),
    }),
  });
  const Hits = builder.objectRef<RuleHits>("PolicyRuleHits").implement({
    description: "how often calls on devices broke a rule of a version",
    fields: (t) => ({
      version: t.exposeInt("version", { description: "the policy's version" }),
      rule: t.exposeString("rule", { description: "the rule" }),
      action: t.expose("action", { type: Action, description: "what the rule says to do" }),
      calls: t.expose("calls", { type: "BigInt", description: counts.calls }),
      enforcedCalls: t.expose("enforcedCalls", { type: "BigInt", description: counts.enforcedCalls }),
      lastAt: t.expose("lastAt", { type: "DateTime", description: "the last of them" }),
      peopleCount: t.int({ description: "people who made them", resolve: ({ people }) => people.length }),
      people: t.field({
        type: [Person],
        description: "who made them, the most calls first",
        args: { limit: t.arg.int({ defaultValue: 20, description: `at most so many, up to ${mostPeople}` }) },
        resolve: ({ people }, { limit }) => people.slice(0, Math.max(0, Math.min(limit ?? 20, mostPeople))),
      }),
    }),
  });

  builder.queryFields((t) => ({
    policyHits: t.field({
      type: [Hits],
      description: "rules that calls on devices broke, the newest version first; agents tell within seconds",
      authScopes: { permission: view },
      args: {
        days: t.arg.int({ defaultValue: 30, description: `today and the days before it, 1 to ${mostDays}` }),
      },
      resolve: (_, { days }, context) => {
        const { orgId } = callerOf(context, view);
        const asked = days ?? 30;
        if (asked < 1 || asked > mostDays) {
          throw new FlowstateError("FS_INPUT_INVALID", `days takes 1 to ${mostDays}`);
        }
        return listPolicyHits(context.store.reader, orgId, { now: context.clock.now(), days: asked });
      },
    }),
  }));
}
