import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

const signalFields = operation(`fragment SignalFields on BehaviouralSignal {
  id type category severity detectedAt happenedAt subject service sessionId detail resolution resolvedBy resolvedAt
  note
}`);

export const signalsQuery = operation(
  `query Alerts($filter: SignalFilter) { behaviouralSignals(filter: $filter, limit: 500) { ...SignalFields } behaviouralSignalTypes { type meaning } }`,
  [signalFields],
);

export const resolveSignal = operation(
  `mutation ResolveSignal($id: ID!, $resolution: SignalResolution!, $note: String) {
  resolveSignal(id: $id, resolution: $resolution, note: $note) { ...SignalFields }
}`,
  [signalFields],
);

export const destinationsQuery = operation(`query SignalDestinations {
  signalDestinations { id name host format minSeverity waiting lastDeliveredAt lastError pausedAt oldSecretUntil }
}`);

export const addDestination = operation(`mutation AddSignalDestination(
  $name: String!
  $url: String!
  $format: SignalFormat
  $minSeverity: SignalSeverity
) {
  addSignalDestination(name: $name, url: $url, format: $format, minSeverity: $minSeverity) {
    secret destination { name }
  }
}`);

export const testDestination = operation(`mutation TestSignalDestination($id: ID!) {
  testSignalDestination(id: $id) { ok status error }
}`);

export const pauseDestination = operation(`mutation PauseSignalDestination($id: ID!, $paused: Boolean!) {
  pauseSignalDestination(id: $id, paused: $paused) { pausedAt }
}`);

export const rotateSecret = operation(`mutation RotateSignalSecret($id: ID!) {
  rotateSignalSecret(id: $id) { secret }
}`);

export const removeDestination = operation(`mutation RemoveSignalDestination($id: ID!) {
  removeSignalDestination(id: $id)
}`);

export type Signal = ResultOf<typeof signalsQuery>["behaviouralSignals"][number];
export type Destination = ResultOf<typeof destinationsQuery>["signalDestinations"][number];
