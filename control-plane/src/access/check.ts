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

/** Somebody with an account. */
export type Person = Extract<Principal, { readonly kind: "member" }>;

/** The one gate: returns who asks, or refuses. There is no default that allows. */
export function check(principal: Principal | null, permission: Permission): Principal {
  if (principal === null) throw nobody();
  if (!principal.permissions.has(permission)) {
    throw new FlowstateError("FS_FORBIDDEN", `this needs the permission ${permission}`, {
      details: { permission },
    });
  }
  return principal;
}

/** The gate of what is a person's own: no permission opens it, and no key, which speaks for nobody. */
export function checkPerson(principal: Principal | null): Person {
  if (principal === null) throw nobody();
  if (principal.kind === "member") return principal;
  throw new FlowstateError("FS_FORBIDDEN", "this is a person's own: sign in, for a key speaks for nobody");
}

function nobody(): FlowstateError {
  return new FlowstateError("FS_UNAUTHENTICATED", "nobody is signed in and no valid API key was sent");
}

/** How the principal stands in the audit log. */
export function actorOf(principal: Principal): string {
  if (principal.kind === "operator") return "operator";
  return principal.kind === "member" ? principal.email : `api-key:${principal.keyId}`;
}
