import { operation } from "../operation.ts";

export const startQuery = operation(`query Start {
  cloudProxyStatus { state keyId }
  usageProviders { kind }
  aiUsageCoverage { calls }
  aiSpendReconciliationSummary { counts { status rows } }
}`);
