import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

const nudgeFields = operation(`fragment NudgeFields on AiNudge {
  id track tier message nudgedAt answer answeredAt replies { kind author text at }
}`);

const trackFields = operation(`fragment TrackFields on AiTrackStanding {
  track tier periodStart amountUsd openSignals lastNudgeAt
}`);

export const myUsageQuery = operation(
  `query MyAiUsage($startDate: Date, $endDate: Date, $offProject: Boolean) {
  myAiUsage(startDate: $startDate, endDate: $endDate) {
    addresses startDate endDate
    uses { system tool calls inputTokens outputTokens listPriceUsd uncostedCalls }
    standing {
      period requests quota overageUnits
      signals { id type meaning severity detectedAt resolved }
      tracks { ...TrackFields }
      nudges { ...NudgeFields }
    }
  }
  myAiSessions(startDate: $startDate, endDate: $endDate, limit: 200, offProject: $offProject) {
    isMarked note
    session { id service project startedAt calls costUsd }
  }
}`,
  [trackFields, nudgeFields],
);

export const standingsQuery = operation(
  `query AiStandings {
  aiStandings { subject standing { ...TrackFields } nudges { ...NudgeFields } }
}`,
  [trackFields, nudgeFields],
);

export const openNudgesQuery = operation(`query MyOpenNudges { myOpenNudges }`);

export const myProjectsQuery = operation(`query MyAiProjects($search: String!) {
  myAiProjects(search: $search, limit: 20) { id name }
}`);

export const markSessions = operation(`mutation MarkMyAiSessions($ids: [ID!]!, $project: ID) {
  markMyAiSessions(ids: $ids, project: $project) { isMarked }
}`);

export const noteSession = operation(`mutation NoteMyAiSession($id: ID!, $note: String) {
  noteMyAiSession(id: $id, note: $note) { note }
}`);

export const acknowledgeNudge = operation(`mutation AcknowledgeNudge($id: ID!) {
  acknowledgeNudge(id: $id) { answer }
}`);

export const replyToNudge = operation(`mutation ReplyToNudge($id: ID!, $text: String!) {
  replyToNudge(id: $id, text: $text) { answer }
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
export type SharedStanding = ResultOf<typeof standingsQuery>["aiStandings"][number];
export type Track = SharedStanding["standing"];
export type Nudge = SharedStanding["nudges"][number];
