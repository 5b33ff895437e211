export interface DirectoryTables {
  employees: {
    org_id: string;
    employee_id: string;
    /** The subject that meters and calls carry: canonical e-mail. */
    email: string;
    name: string | null;
    title: string | null;
    primary_team_id: string | null;
    manager_id: string | null;
    /** The identity provider's name of the person (SCIM externalId). */
    external_id: string | null;
    /** 0 once the person has left; the row stays for history. */
    active: bigint;
    /** Grows with each change; the row's ETag. */
    version: bigint;
    created_at: number;
    updated_at: number;
  };
  /**
   * Which employee stands behind a name that a device or a vendor uses. `provider` is empty where the name means the
   * same everywhere, such as a second e-mail address. `employee_id` is null while nobody has said whose it is.
   */
  identities: {
    org_id: string;
    provider: string;
    kind: IdentityKind;
    value: string;
    employee_id: string | null;
    /** The person's e-mail as the vendor states it, in canonical form. */
    email: string | null;
    /** What the vendor calls it, for the admin who maps it. */
    label: string | null;
    source: "directory" | "provider" | "admin";
    updated_at: number;
  };
  teams: {
    org_id: string;
    team_id: string;
    name: string;
    parent_id: string | null;
    cost_centre: string | null;
    external_id: string | null;
    version: bigint;
    created_at: number;
    updated_at: number;
  };
  /** Further teams of a person; the primary one is on the employee. */
  team_members: { org_id: string; team_id: string; employee_id: string };
  projects: {
    org_id: string;
    project_id: string;
    name: string;
    team_id: string | null;
    cost_centre: string | null;
    /** What calls carry as their project, e.g. `github.com/acme/api`. */
    marker: string | null;
    archived_at: number | null;
    version: bigint;
    created_at: number;
    updated_at: number;
  };
  /** How much of a person's time a project or a team has; both are set where a team works for a project. */
  allocations: {
    org_id: string;
    allocation_id: string;
    employee_id: string;
    project_id: string | null;
    team_id: string | null;
    /** Millionths of a full-time position. */
    fte_ppm: bigint;
    /** First UTC day, `YYYY-MM-DD`. */
    from_day: string;
    /** Last UTC day; null while it lasts. */
    until_day: string | null;
    version: bigint;
    created_at: number;
    updated_at: number;
  };
}

/** Kinds of names in front of money and usage, coarsest last. */
export type IdentityKind =
  | "email"
  | "vendor_user"
  | "login"
  | "api_key"
  | "service_account"
  | "cloud_principal"
  | "project"
  | "workspace"
  | "resource"
  | "org";
