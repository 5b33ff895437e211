import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { permissions, type Permission } from "./permissions.ts";

/** Roles are sets of permissions; nothing asks for a role itself. */
export const roles = {
  owner: permissions,
  admin: permissions.filter((permission) => permission !== "MEMBERS_UPDATE"),
  finance: ["SETTINGS_INTEGRATIONS_VIEW", "AI_INSIGHTS_VIEW", "AI_RECONCILIATION_UPDATE", "AUDIT_VIEW"],
  viewer: ["AI_INSIGHTS_VIEW"],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof roles;

export const roleNames = Object.keys(roles) as readonly Role[];

export function parseRole(text: string): Parsed<Role, "not_a_role"> {
  const role = roleNames.find((name) => name === text);
  return role === undefined
    ? refuse("not_a_role", `"${text.slice(0, 40)}" is not a role; use one of ${roleNames.join(", ")}`)
    : ok(role);
}
