import { operation } from "../operation.ts";

export const keysQuery = operation(`query ApiKeys {
  apiKeys { keyId name permissions createdBy createdAt lastUsedAt revokedAt }
  viewer { permissions }
}`);

export const createKey = operation(`mutation CreateApiKey($name: String!, $permissions: [Permission!]!) {
  createApiKey(name: $name, permissions: $permissions) { key }
}`);

export const revokeKey = operation(`mutation RevokeApiKey($keyId: String!) { revokeApiKey(keyId: $keyId) }`);
