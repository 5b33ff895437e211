export interface OrgTables {
  orgs: {
    org_id: string;
    slug: string;
    /** Grows with every change that a proxy must learn of. */
    revision: bigint;
    created_at: number;
  };
}
