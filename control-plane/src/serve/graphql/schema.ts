import type { GraphQLSchema } from "graphql";
import { addApiKeys } from "./api-keys.ts";
import { addAudit } from "./audit.ts";
import { addBillingImport } from "./billing-import.ts";
import { builder } from "./builder.ts";
import { addCatalogue } from "./catalogue.ts";
import { addCloudProxy } from "./cloud-proxy.ts";
import { addDirectoryTypes } from "./directory-types.ts";
import { addExchangeRates } from "./exchange-rates.ts";
import { addIdentityMap } from "./identity-map.ts";
import { addMdm } from "./mdm.ts";
import { addMembers } from "./members.ts";
import { addProxies } from "./proxies.ts";
import { addReconciliation } from "./reconciliation.ts";
import { addScalars } from "./scalars.ts";
import { addSurfaces } from "./surfaces.ts";
import { addUsage } from "./usage.ts";
import { addUsageProviders } from "./usage-providers.ts";

builder.queryType({ description: "questions" });
builder.mutationType({ description: "changes; each is recorded in the audit log" });
addScalars(builder);
addCloudProxy(builder);
addMdm(builder);
addProxies(builder);
addMembers(builder, addApiKeys(builder));
addAudit(builder);
const providerKind = addUsageProviders(builder);
addCatalogue(builder, providerKind, addDirectoryTypes(builder));
addBillingImport(builder, providerKind);
addIdentityMap(builder, providerKind);
addExchangeRates(builder);
addReconciliation(builder, providerKind);
addUsage(builder);
addSurfaces(builder);

/** The whole schema; `schema.graphql` is its printed form. */
export const schema: GraphQLSchema = builder.toSchema();
