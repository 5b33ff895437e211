import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { diffPolicies } from "../../policy/diff.ts";
import { dryRunPolicy } from "../../policy/dry-run/run.ts";
import { listPolicies, readActivePolicy, readPolicy, type PolicyVersion } from "../../policy/queries.ts";
import { loadScopeNames } from "../../policy/scopes.ts";
import {
  activatePolicy,
  checkPolicy,
  discardPolicyDraft,
  draftPolicy,
  requirePolicy,
  requireVersion,
  rollBackPolicy,
  type PolicyChangeContext,
} from "../../policy/versions.ts";
import type { Reader, Writer } from "../../store/open.ts";
import { callerOf, changeBy, commit, type Builder, type GraphqlContext } from "./builder.ts";
import { addPolicyTypes, type ActionRef, type Named } from "./policy-types.ts";

const view = "AI_GOVERNANCE_VIEW";
const admin = "AI_POLICY_ADMIN";
const mostVersions = 1000;
const mostDays = 92;

/** The organisation's policy: its versions, what they change, and what they would have done. Returns the type of an action. */
export function addPolicy(builder: Builder): ActionRef {
  const { Action, Version, Diff, DryRun } = addPolicyTypes(builder);

  builder.queryFields((t) => ({
    activePolicy: t.field({
      type: Version,
      nullable: true,
      description: "the version in force; null before the first was activated",
      authScopes: { permission: view },
      resolve: async (_, __, context) => {
        const { orgId } = callerOf(context, view);
        const active = await readActivePolicy(context.store.reader, orgId);
        return active === null ? null : named(context.store.reader, orgId, active);
      },
    }),
    policyHistory: t.field({
      type: [Version],
      description: "versions, drafts among them, the newest first",
      authScopes: { permission: view },
      args: { limit: t.arg.int({ defaultValue: 20, description: `at most so many, up to ${mostVersions}` }) },
      resolve: async (_, { limit }, context) => {
        const { orgId } = callerOf(context, view);
        const most = Math.max(0, Math.min(limit ?? 20, mostVersions));
        const names = await loadScopeNames(context.store.reader, orgId);
        return (await listPolicies(context.store.reader, orgId, most)).map((of) => ({ of, names }));
      },
    }),
    policyVersion: t.field({
      type: Version,
      nullable: true,
      description: "one version; null where there is none of that number",
      authScopes: { permission: view },
      args: { version: t.arg.int({ required: true, description: "its number" }) },
      resolve: async (_, { version }, context) => {
        const { orgId } = callerOf(context, view);
        const found = await readPolicy(context.store.reader, orgId, version);
        return found === null ? null : named(context.store.reader, orgId, found);
      },
    }),
    policyDiff: t.field({
      type: Diff,
      description: "how a version differs from another",
      authScopes: { permission: view },
      args: {
        version: t.arg.int({ required: true, description: "the newer one" }),
        against: t.arg.int({
          description: "the older one; the one that was active when the newer was drafted where left out",
        }),
      },
      resolve: async (_, { version, against }, context) => {
        const { orgId } = callerOf(context, view);
        const { reader } = context.store;
        const to = await requireVersion(reader, orgId, version);
        const base = against ?? to.baseVersion;
        const from = base === null ? null : await requireVersion(reader, orgId, base);
        const changes = diffPolicies(from?.document ?? { rules: [] }, to.document);
        return named(reader, orgId, { from: base, to: version, changes });
      },
    }),
    policyFaults: t.stringList({
      description: "everything that is wrong with a policy, a sentence each; none where it can be drafted",
      authScopes: { permission: admin },
      args: { document: t.arg.string({ required: true, description: documentText }) },
      resolve: async (_, { document }, context) => {
        const checked = await checkPolicy(context.store.reader, callerOf(context, admin).orgId, document);
        return checked.ok ? [] : [...checked.faults];
      },
    }),
    policyDryRun: t.field({
      type: DryRun,
      description: "who would have been blocked in the last days",
      authScopes: { permission: admin },
      args: {
        document: t.arg.string({ description: `${documentText}; or give a version` }),
        version: t.arg.int({ description: "a version that is kept; or give a document" }),
        days: t.arg.int({ defaultValue: 30, description: `today and the days before it, 1 to ${mostDays}` }),
      },
      resolve: async (_, { document, version, days: asked }, context) => {
        const { orgId } = callerOf(context, admin);
        const { reader } = context.store;
        const days = asked ?? 30;
        if (days < 1 || days > mostDays) throw refused(`days takes 1 to ${mostDays}`);
        if ((document == null) === (version == null)) throw refused("give either document or version");
        const policy =
          version == null
            ? await requirePolicy(reader, orgId, document ?? "")
            : (await requireVersion(reader, orgId, version)).document;
        const answer = await dryRunPolicy(reader, orgId, policy, { now: context.clock.now(), days });
        return named(reader, orgId, answer);
      },
    }),
  }));

  builder.mutationFields((t) => ({
    draftPolicy: t.field({
      type: Version,
      description: "keeps a policy as the next version; it changes nothing until it is activated",
      authScopes: { permission: admin },
      args: {
        document: t.arg.string({ required: true, description: documentText }),
        note: t.arg.string({ description: "why" }),
      },
      resolve: (_, { document, note }, context) =>
        change(context, (db, by) => draftPolicy(db, by, { text: document, note: note ?? null })),
    }),
    rollBackPolicy: t.field({
      type: Version,
      description: "drafts a copy of a version that was in force before",
      authScopes: { permission: admin },
      args: {
        version: t.arg.int({ required: true, description: "the version to go back to" }),
        note: t.arg.string({ description: "why" }),
      },
      resolve: (_, { version, note }, context) =>
        change(context, (db, by) => rollBackPolicy(db, by, { version, note: note ?? null })),
    }),
    activatePolicy: t.field({
      type: Version,
      description:
        "puts a draft in force; the version active before becomes ARCHIVED in the same transaction",
      authScopes: { permission: admin },
      args: { version: t.arg.int({ required: true, description: "the draft" }) },
      resolve: (_, { version }, context) =>
        change(context, async (db, by) => {
          await activatePolicy(db, by, version);
          return version;
        }),
    }),
    discardPolicyDraft: t.boolean({
      description: "throws a draft away; false when there is no draft of that number",
      authScopes: { permission: admin },
      args: { version: t.arg.int({ required: true, description: "the draft" }) },
      resolve: (_, { version }, context) => {
        const by = changeBy(callerOf(context, admin), context);
        return commit(context, (db) => discardPolicyDraft(db, by, version));
      },
    }),
  }));
  return Action;
}

const documentText = "the policy as JSON; its schema is at /api/v1/policy.schema.json";

/** Runs a change that answers with a version's number, and shows that version. */
async function change(
  context: GraphqlContext,
  run: (db: Writer, by: PolicyChangeContext) => Promise<number>,
): Promise<Named<PolicyVersion>> {
  const by = changeBy(callerOf(context, admin), context);
  const version = await commit(context, (db) => run(db, by));
  const { reader } = context.store;
  return named(reader, by.orgId, await requireVersion(reader, by.orgId, version));
}

async function named<T>(db: Reader, orgId: OrgId, of: T): Promise<Named<T>> {
  return { of, names: await loadScopeNames(db, orgId) };
}

function refused(sentence: string): FlowstateError {
  return new FlowstateError("FS_INPUT_INVALID", sentence);
}
