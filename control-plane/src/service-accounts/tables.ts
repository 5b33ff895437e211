export interface ServiceAccountTables {
  /** A program that uses AI under a key of its own. A deleted one stays, for what it did stays. */
  service_accounts: {
    org_id: string;
    account_id: string;
    /** What its calls and meter rows carry; never changes and is never given to another account. */
    subject: string;
    name: string;
    environment: ServiceEnvironment;
    description: string | null;
    /** One sentence on what it is for. */
    intended_scope: string | null;
    /** 0 or 1. */
    abuse_detection: bigint;
    created_at: number;
    created_by: string;
    updated_at: number;
    deleted_at: number | null;
  };
}

/** The environment decides how grave a signal about the account is. */
export const serviceEnvironments = ["production", "staging", "development"] as const;

export type ServiceEnvironment = (typeof serviceEnvironments)[number];
