import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

export const myUsageQuery = operation(`query MyAiUsage($startDate: Date, $endDate: Date) {
  myAiUsage(startDate: $startDate, endDate: $endDate) {
    addresses startDate endDate
    uses { system tool calls inputTokens outputTokens listPriceUsd uncostedCalls }
    standing {
      period requests quota overageUnits
      signals { id type meaning severity detectedAt resolved }
    }
  }
  myAiSessions(startDate: $startDate, endDate: $endDate, limit: 200) {
    isMarked note
    session { id service project startedAt calls costUsd }
  }
}`);

const keyFields = operation(`fragment KeyFields on AiKey {
  id subject toolName environment purpose state keyPrefix requestedAt decidedBy reason lastUsedAt
}`);

export const myKeysQuery = operation(
  `query MyAiKeys { myAiKeys { ...KeyFields } aiKeyTools { id name requiresApproval } }`,
  [keyFields],
);

export const keyRequestsQuery = operation(
  `query AiKeyRequests { aiKeyRequests(states: [PENDING]) { ...KeyFields } }`,
  [keyFields],
);

export const requestKey =
  operation(`mutation RequestAiKey($tool: ID!, $environment: ServiceEnvironment!, $purpose: String!) {
  requestAiKey(tool: $tool, environment: $environment, purpose: $purpose) { state }
}`);

export const revealKey = operation(`mutation RevealAiKey($id: ID!) { revealAiKey(id: $id) { key } }`);

export const revokeMyKey = operation(`mutation RevokeMyAiKey($id: ID!) { revokeMyAiKey(id: $id) { id } }`);

export const approveKey = operation(`mutation ApproveAiKey($id: ID!) { approveAiKey(id: $id) { id } }`);

export const refuseKey = operation(`mutation RefuseAiKey($id: ID!, $reason: String!) {
  refuseAiKey(id: $id, reason: $reason) { id }
}`);

export type MyUsage = ResultOf<typeof myUsageQuery>["myAiUsage"];
export type MySession = ResultOf<typeof myUsageQuery>["myAiSessions"][number];
export type AiKey = ResultOf<typeof myKeysQuery>["myAiKeys"][number];
