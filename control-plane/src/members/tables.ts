import type { Role } from "../access/roles.ts";

export interface MemberTables {
  members: {
    org_id: string;
    member_id: string;
    email: string;
    role: Role;
    /** argon2id in PHC form; null until the member has set one. */
    password_hash: string | null;
    created_at: number;
  };
}
