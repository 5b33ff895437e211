import type { Generated } from "kysely";

export interface OrgTables {
  orgs: {
    org_id: string;
    slug: string;
    /** Grows with every change that a proxy must learn of. */
    revision: bigint;
    created_at: number;
    /** 0 while nobody may ask over MCP. */
    mcp_enabled: Generated<bigint>;
    /** In which answers over MCP state money. */
    reporting_currency: Generated<string>;
  };
}
