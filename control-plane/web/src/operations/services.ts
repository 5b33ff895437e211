import { operation } from "../operation.ts";

export const servicesQuery = operation(`query Services {
  orgAiServices {
    id name vendor category state coverage monitoringGap unbilled unobserved activeUsers30d lastSeenAt lastBilledAt
  }
  captureFormats(days: 30) {
    capture tool toolVersion host isUnderstood answers answersWithoutUsage devices devicesNotReading lastSeenAt
  }
}`);
