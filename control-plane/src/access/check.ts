import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Permission } from "./permissions.ts";
import type { Role } from "./roles.ts";

/** Who asks. A proxy's enrolment token is no principal: it speaks to ingest alone. */
export type Principal =
  | {
      readonly kind: "member";
      readonly orgId: OrgId;
      readonly memberId: string;
      readonly email: string;
      readonly role: Role;
      readonly permissions: ReadonlySet<Permission>;
    }
  | {
      readonly kind: "api_key";
      readonly orgId: OrgId;
      readonly keyId: string;
      readonly permissions: ReadonlySet<Permission>;
    }
  /** A command on the machine that holds the database and the master key. */
  | { readonly kind: "operator"; readonly orgId: OrgId; readonly permissions: ReadonlySet<Permission> };

/** The one gate: returns who asks, or refuses. There is no default that allows. */
export function check(principal: Principal | null, permission: Permission): Principal {
  if (principal === null) {
    throw new FlowstateError("FS_UNAUTHENTICATED", "nobody is signed in and no valid API key was sent");
  }
  if (!principal.permissions.has(permission)) {
    throw new FlowstateError("FS_FORBIDDEN", `this needs the permission ${permission}`, {
      details: { permission },
    });
  }
  return principal;
}

/** How the principal stands in the audit log. */
export function actorOf(principal: Principal): string {
  if (principal.kind === "operator") return "operator";
  return principal.kind === "member" ? principal.email : `api-key:${principal.keyId}`;
}
