import type { ResultOf, VariablesOf } from "gql.tada";
import { operation } from "../operation.ts";

export const providerQuery = operation(`query IdentityProvider {
  oidcSettings {
    issuer clientId emailDomains defaultRole groupClaim groupRoles { group role } onlyOidc updatedAt
  }
}`);

export const setProvider = operation(`mutation SetIdentityProvider($issuer: String!, $clientId: String!,
  $clientSecret: String, $emailDomains: [String!]!, $defaultRole: Role, $groupClaim: String,
  $groupRoles: [OidcGroupRoleInput!], $onlyOidc: Boolean!) {
  setOidcSettings(issuer: $issuer, clientId: $clientId, clientSecret: $clientSecret, emailDomains: $emailDomains,
    defaultRole: $defaultRole, groupClaim: $groupClaim, groupRoles: $groupRoles, onlyOidc: $onlyOidc) {
    issuer
  }
}`);

export const removeProvider = operation(`mutation RemoveIdentityProvider { removeOidcSettings }`);

export type Provider = NonNullable<ResultOf<typeof providerQuery>["oidcSettings"]>;
export type ProviderChange = VariablesOf<typeof setProvider>;
