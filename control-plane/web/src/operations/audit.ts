import { operation } from "../operation.ts";

export const auditQuery = operation(`query Audit {
  auditLog(limit: 500) { sequence at actor action target detail hash }
}`);

export const verifyQuery = operation(
  `query VerifyAudit { auditVerification { intact entries brokenAt fault } }`,
);
