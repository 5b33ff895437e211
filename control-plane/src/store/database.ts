import type { AuditTables } from "../audit/tables.ts";
import type { BillingTables } from "../billing/tables.ts";
import type { CatalogueTables } from "../catalogue/tables.ts";
import type { DirectoryTables } from "../directory/tables.ts";
import type { ImportTables } from "../import/tables.ts";
import type { IngestTables } from "../ingest/tables.ts";
import type { FluencyTables } from "../insights/fluency/tables.ts";
import type { InsightTables } from "../insights/tables.ts";
import type { KeyTables } from "../keys/tables.ts";
import type { LedgerTables } from "../ledger/tables.ts";
import type { LoginTables } from "../login/tables.ts";
import type { OidcTables } from "../login/oidc/tables.ts";
import type { MemberTables } from "../members/tables.ts";
import type { OAuthTables } from "../oauth/tables.ts";
import type { OrgTables } from "../orgs/tables.ts";
import type { PolicyTables } from "../policy/tables.ts";
import type { ProviderTables } from "../providers/tables.ts";
import type { QuotaTables } from "../proxy-status/tables.ts";
import type { ReconciliationTables } from "../reconcile/tables.ts";
import type { ReleaseTables } from "../releases/tables.ts";
import type { SelfServiceTables } from "../self-service/tables.ts";
import type { ServiceAccountTables } from "../service-accounts/tables.ts";
import type { SignalDeliveryTables } from "../signals/delivery/tables.ts";
import type { SignalTables } from "../signals/tables.ts";
import type { StandingTables } from "../standing/tables.ts";
import type { UsageTables } from "../usage/tables.ts";

/**
 * Every table, composed from the capabilities that own them. Each primary key starts with `org_id`; the two tables
 * here are the exceptions, since they belong to the installation as a whole.
 */
export interface Database
  extends
    OrgTables,
    MemberTables,
    LoginTables,
    OidcTables,
    KeyTables,
    AuditTables,
    IngestTables,
    QuotaTables,
    UsageTables,
    DirectoryTables,
    BillingTables,
    ReconciliationTables,
    LedgerTables,
    ProviderTables,
    CatalogueTables,
    ImportTables,
    InsightTables,
    FluencyTables,
    ServiceAccountTables,
    SelfServiceTables,
    StandingTables,
    PolicyTables,
    ReleaseTables,
    OAuthTables,
    SignalTables,
    SignalDeliveryTables,
    JobTables {
  migrations: { number: bigint; name: string; applied_at: number };
  /** Facts about the installation: the canary that proves the master key. */
  installation: { name: string; value: string };
}

interface JobTables {
  jobs: {
    org_id: string;
    name: string;
    due_at: number;
    lease_owner: string | null;
    lease_expires_at: number | null;
    failures: bigint;
    last_error: string | null;
  };
}
