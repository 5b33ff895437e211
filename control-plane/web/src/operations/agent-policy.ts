import type { ResultOf, VariablesOf } from "gql.tada";
import { operation } from "../operation.ts";

const settingsFields = operation(`fragment SettingsFields on AgentSettings {
  captureMode updatePolicy updateChannel pinnedVersion upstreamProxy enforcement
  maintenanceWindow { weekdays from until }
}`);

export const settingsQuery = operation(
  `query AgentPolicy {
  agentSettings { ...SettingsFields }
  agents(limit: 1000) { device subject version platform updateAvailable lastReportedAt }
  agentReleases { version platform channel sizeBytes sha256 releasedAt signedWith }
}`,
  [settingsFields],
);

export const saveSettings = operation(
  `mutation SetAgentPolicy(
  $captureMode: AgentCaptureMode
  $updatePolicy: AgentUpdatePolicy
  $updateChannel: AgentUpdateChannel
  $maintenanceWindow: AgentMaintenanceWindowInput
  $pinnedVersion: String
  $upstreamProxy: String
  $enforcement: AgentEnforcement
) {
  setAgentSettings(
    captureMode: $captureMode
    updatePolicy: $updatePolicy
    updateChannel: $updateChannel
    maintenanceWindow: $maintenanceWindow
    pinnedVersion: $pinnedVersion
    upstreamProxy: $upstreamProxy
    enforcement: $enforcement
  ) { ...SettingsFields }
}`,
  [settingsFields],
);

export type Settings = ResultOf<typeof settingsQuery>["agentSettings"];
export type Agent = ResultOf<typeof settingsQuery>["agents"][number];
export type Release = ResultOf<typeof settingsQuery>["agentReleases"][number];
export type Change = VariablesOf<typeof saveSettings>;
