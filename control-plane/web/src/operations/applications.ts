import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

export const applicationsQuery = operation(`query MyApplications {
  myApplications { id name allows connectedAt lastUsedAt expiresAt }
}`);

export const disconnectApplication = operation(`mutation DisconnectMyApplication($id: ID!) {
  disconnectMyApplication(id: $id)
}`);

export type Application = ResultOf<typeof applicationsQuery>["myApplications"][number];
