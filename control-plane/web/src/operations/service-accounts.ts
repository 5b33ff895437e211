import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

export const accountsQuery = operation(`query ServiceAccounts($includeDeleted: Boolean!) {
  aiServiceAccounts(includeDeleted: $includeDeleted) {
    id name subject environment description intendedScope keyPrefix createdBy createdAt lastSeenAt deletedAt
    abuseDetection signalsLast30Days
  }
}`);

export const createAccount = operation(`mutation CreateServiceAccount(
  $name: String!
  $environment: ServiceEnvironment!
  $description: String
  $intendedScope: String
) {
  createServiceAccount(
    name: $name
    environment: $environment
    description: $description
    intendedScope: $intendedScope
  ) { key account { name } }
}`);

export const updateAccount = operation(`mutation UpdateServiceAccount(
  $id: ID!
  $environment: ServiceEnvironment
  $description: String
  $intendedScope: String
  $abuseDetection: Boolean
) {
  updateServiceAccount(
    id: $id
    environment: $environment
    description: $description
    intendedScope: $intendedScope
    abuseDetection: $abuseDetection
  ) { id }
}`);

export const rotateKey = operation(`mutation RotateServiceAccountKey($id: ID!) {
  rotateServiceAccountKey(id: $id) { key account { name } }
}`);

export const deleteAccount = operation(
  `mutation DeleteServiceAccount($id: ID!) { deleteServiceAccount(id: $id) }`,
);

export type Account = ResultOf<typeof accountsQuery>["aiServiceAccounts"][number];
