import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

const versionFields = operation(`fragment PolicyVersionFields on PolicyVersion {
  version state summary draftedAt draftedBy baseVersion activatedAt approver archivedAt note
  rules { name type condition action scope message }
}`);

export const policyQuery = operation(
  `query Policy {
  activePolicy { ...PolicyVersionFields }
  policyHistory(limit: 200) {
    version state summary draftedAt draftedBy activatedAt approver archivedAt note rules { name }
  }
  policyHits(days: 30) { version rule action calls enforcedCalls lastAt peopleCount }
  agentSettings { enforcement }
}`,
  [versionFields],
);

/** A version, and which one is in force. */
export const policyVersionQuery = operation(
  `query PolicyVersion($version: Int!) {
  policyVersion(version: $version) { ...PolicyVersionFields document }
  activePolicy { version }
}`,
  [versionFields],
);

export const policyDiffQuery = operation(`query PolicyDiff($version: Int!, $against: Int) {
  policyDiff(version: $version, against: $against) {
    from
    changes { kind name fields before { condition action scope } after { condition action scope } }
  }
}`);

/** The text that a new draft begins with. */
export const policyDocumentQuery = operation(`query PolicyDocument($version: Int!) {
  policyVersion(version: $version) { document }
}`);

export const policyFaultsQuery = operation(`query PolicyFaults($document: String!) {
  policyFaults(document: $document)
}`);

export const dryRunQuery = operation(`query PolicyDryRun($document: String, $version: Int) {
  policyDryRun(document: $document, version: $version, days: 30) {
    startDate endDate calls blockedCalls blockedUsd warnedCalls observedCalls peopleBlocked
    rules { rule { name action } calls costUsd people unknownCalls firstAt notTried }
    people(limit: 1000) { subject blockedCalls blockedUsd warnedCalls observedCalls rules firstBlockedAt }
  }
}`);

export const draftPolicy = operation(`mutation DraftPolicy($document: String!, $note: String) {
  draftPolicy(document: $document, note: $note) { version }
}`);

export const rollBackPolicy = operation(`mutation RollBackPolicy($version: Int!, $note: String) {
  rollBackPolicy(version: $version, note: $note) { version }
}`);

export const activatePolicy = operation(`mutation ActivatePolicy($version: Int!) {
  activatePolicy(version: $version) { version }
}`);

export const discardDraft = operation(`mutation DiscardPolicyDraft($version: Int!) {
  discardPolicyDraft(version: $version)
}`);

type Answer = ResultOf<typeof policyQuery>;
export type ActivePolicy = NonNullable<Answer["activePolicy"]>;
export type PolicyRule = ActivePolicy["rules"][number];
export type PolicyVersion = Answer["policyHistory"][number];
export type RuleHits = Answer["policyHits"][number];
export type KeptPolicy = NonNullable<ResultOf<typeof policyVersionQuery>["policyVersion"]>;
export type PolicyDiff = ResultOf<typeof policyDiffQuery>["policyDiff"];
export type PolicyChange = PolicyDiff["changes"][number];
export type PolicyDryRun = ResultOf<typeof dryRunQuery>["policyDryRun"];
