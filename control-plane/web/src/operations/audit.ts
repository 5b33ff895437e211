import { operation } from "../operation.ts";

export const auditQuery = operation(`query Audit {
  auditLog(limit: 500) { sequence at actor action target detail hash }
}`);
