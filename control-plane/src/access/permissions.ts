import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";

/** What a caller may do. Every operation of every surface names one of these. */
export const permissions = [
  "SETTINGS_INTEGRATIONS_UPDATE",
  "SETTINGS_INTEGRATIONS_VIEW",
  "AI_INSIGHTS_VIEW",
  "AI_GOVERNANCE_VIEW",
  "AI_POLICY_ADMIN",
  "AI_RECONCILIATION_UPDATE",
  "SETTINGS_API_KEYS_CREATE",
  "DIRECTORY_UPDATE",
  "AUDIT_VIEW",
  "MEMBERS_UPDATE",
] as const;

export type Permission = (typeof permissions)[number];

/** Reads permission names separated by commas. */
export function parsePermissions(text: string): Parsed<readonly Permission[], "not_a_permission"> {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const stranger = names.find((name) => !isPermission(name));
  if (stranger !== undefined || names.length === 0) {
    const held = stranger === undefined ? "nothing" : `"${stranger.slice(0, 60)}"`;
    return refuse(
      "not_a_permission",
      `${held} is not a permission; use one or more of ${permissions.join(", ")}`,
    );
  }
  return ok(permissions.filter((permission) => names.includes(permission)));
}

function isPermission(name: string): name is Permission {
  return (permissions as readonly string[]).includes(name);
}
