import { operation } from "../operation.ts";

export const statusQuery = operation(`query CloudProxy {
  cloudProxyStatus { state proxyUrl keyId keyProvisionedAt firstSeenAt lastCaptureAt stale }
}`);

export const meterQuery = operation(`query SubjectMeter($period: Period) {
  subjectMeter(period: $period) {
    subject requests estimatedRequests tunnels failedTunnels bytesUp bytesDown quota overageUnits lastSeenAt
  }
}`);

export const payloadQuery = operation(`query Payload($target: MdmTarget!, $variant: String) {
  mdmPayload(target: $target, variant: $variant) { filename content steps caveats }
}`);

export const provisionKey = operation(`mutation Provision { provisionOrgKey { key keyId } }`);

export const setQuota = operation(`mutation SetQuota($subject: String!, $quota: BigInt) {
  setSubjectQuota(subject: $subject, quota: $quota)
}`);
