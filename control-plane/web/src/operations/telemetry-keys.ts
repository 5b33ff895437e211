import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

export const telemetryKeysQuery = operation(`query TelemetryKeys {
  cloudProxyStatus { keyId keyProvisionedAt lastCaptureAt }
  aiServiceAccounts { id name subject keyPrefix createdAt lastSeenAt }
  aiKeyRequests(states: [ACTIVE, APPROVED], limit: 500) {
    id subject toolName environment state keyPrefix requestedAt lastUsedAt
  }
}`);

export const revokePersonalKey = operation(`mutation RevokeAiKey($id: ID!) { revokeAiKey(id: $id) { id } }`);

export type TelemetryKeys = ResultOf<typeof telemetryKeysQuery>;
