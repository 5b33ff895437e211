import { operation } from "../operation.ts";

export const providersQuery = operation(`query UsageProviders {
  usageProviders { id kind name state lastSyncAt lastError }
  usageProviderForms { kind label configurationFree notes fields { name label secret required hint pattern } }
}`);

export const testProvider = operation(`mutation TestProvider($id: ID!) {
  testUsageProvider(id: $id) { ok rows from to error }
}`);

export const syncProvider = operation(`mutation SyncProvider($id: ID!) {
  syncUsageProvider(id: $id) { ok rows from to error }
}`);

export const removeProvider = operation(`mutation RemoveProvider($id: ID!) { removeUsageProvider(id: $id) }`);

export const addProvider = operation(`mutation AddProvider(
  $kind: UsageProviderKind!
  $name: String
  $credentials: [CredentialInput!]!
) {
  addUsageProvider(kind: $kind, name: $name, credentials: $credentials) { id kind name state lastSyncAt lastError }
}`);
