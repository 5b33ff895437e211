import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { addDays, addMonths, type Period, type UsageDate } from "@flowstate/shared/time";
import { catalogueServices } from "../catalogue/services.data.ts";
import type { CatalogueService } from "../catalogue/service.ts";
import { kindLabels, type UsageProviderKind } from "../providers/kinds.ts";
import type { Reader } from "../store/open.ts";
import { exportedBills, type ExportedBill } from "./bills.ts";
import { csvLine } from "./csv-line.ts";

/** A cell for each column; null is an empty one, as FOCUS asks. */
type Cells = Readonly<Record<(typeof columns)[number], string | null>>;

/** FOCUS 1.2: every mandatory column, the conditional ones that we can fill, and our own after them. */
const columns = [
  "BilledCost",
  "BillingAccountId",
  "BillingAccountName",
  "BillingCurrency",
  "BillingPeriodEnd",
  "BillingPeriodStart",
  "ChargeCategory",
  "ChargeClass",
  "ChargeDescription",
  "ChargeFrequency",
  "ChargePeriodEnd",
  "ChargePeriodStart",
  "ConsumedQuantity",
  "ConsumedUnit",
  "ContractedCost",
  "EffectiveCost",
  "InvoiceIssuerName",
  "ListCost",
  "PricingQuantity",
  "PricingUnit",
  "ProviderName",
  "PublisherName",
  "ResourceId",
  "ResourceType",
  "ServiceCategory",
  "ServiceName",
  "ServiceSubcategory",
  "SkuMeter",
  "Tags",
  "x_BilledCostUsd",
  "x_EvidenceGrade",
  "x_FactKey",
  "x_Model",
  "x_ReconciliationStatus",
  "x_UserEmail",
] as const;

/** A month's bills in FOCUS 1.2 (focus.finops.org), then what was corrected in it of months that were closed. */
export async function* exportFocus(db: Reader, orgId: OrgId, period: Period): AsyncGenerator<string> {
  yield csvLine(columns);
  for await (const bill of exportedBills(db, orgId, period)) yield lineOf(cellsOf(bill));
  for (const correction of await corrections(db, orgId, period)) {
    yield lineOf(correctionOf(correction, period));
  }
}

function lineOf(cells: Cells): string {
  return csvLine(
    columns.map((column) => (column === "ChargeDescription" ? { text: cells[column] } : cells[column])),
  );
}

function cellsOf(bill: ExportedBill): Cells {
  const money = moneyOf(bill);
  const month = bill.period as Period;
  const recurring = bill.charge_frequency === "Recurring";
  const [start, end] = recurring
    ? [`${month}-01`, `${addMonths(month, 1)}-01`]
    : [bill.usage_day, addDays(bill.usage_day as UsageDate, 1)];
  const tokens = tokensOf(bill);
  const [quantity, unit] = tokens === null ? [bill.quantity, bill.unit] : [String(tokens), "Tokens"];
  const keyed = bill.identity_kind === "api_key" && bill.identity_value !== null;
  const tags = { employee: bill.subject, team: bill.team, cost_centre: bill.costCentre };
  return {
    ...soldBy(bill),
    BilledCost: money.amount,
    BillingAccountId: bill.account ?? bill.provider_id,
    BillingAccountName: null,
    BillingCurrency: money.currency,
    BillingPeriodEnd: midnight(`${addMonths(month, 1)}-01`),
    BillingPeriodStart: midnight(`${month}-01`),
    ChargeCategory: bill.charge_category,
    ChargeClass: null,
    ChargeDescription: bill.description === "" ? null : bill.description,
    ChargeFrequency: bill.charge_frequency,
    ChargePeriodEnd: midnight(end),
    ChargePeriodStart: midnight(start),
    ConsumedQuantity: bill.charge_category === "Usage" ? quantity : null,
    ConsumedUnit: bill.charge_category === "Usage" && quantity !== null ? unit : null,
    ContractedCost: money.amount,
    EffectiveCost: money.amount,
    ListCost: money.list,
    PricingQuantity: null,
    PricingUnit: null,
    ResourceId: keyed ? bill.identity_value : null,
    ResourceType: keyed ? "API Key" : null,
    SkuMeter: bill.sku,
    Tags: tagsOf(tags),
    x_BilledCostUsd: formatUsd(bill.amount_nano_usd as NanoUsd),
    x_EvidenceGrade: bill.grade,
    x_FactKey: bill.fact_key,
    x_Model: bill.model,
    x_ReconciliationStatus: bill.status,
    x_UserEmail: bill.subject,
  };
}

interface Correction {
  readonly row_id: string;
  readonly kind: string;
  readonly service: string;
  readonly provider_id: string;
  readonly account: string | null;
  readonly usage_day: string;
  readonly subject: string | null;
  readonly fact_key: string;
  readonly amount: bigint;
}

async function corrections(db: Reader, orgId: OrgId, period: Period): Promise<readonly Correction[]> {
  const { rows } =
    await sql<Correction>`SELECT b.row_id, b.kind, b.service, b.provider_id, b.account, b.usage_day,
      b.subject, b.fact_key, -CAST(sum(e.amount_nano_usd) AS BIGINT) AS amount
    FROM ledger_journals AS j
      JOIN ledger_entries AS e ON e.org_id = j.org_id AND e.journal_id = j.journal_id
      JOIN reconciliation_rows AS r ON r.org_id = j.org_id AND r.row_id = j.row_id
      JOIN billing_rows AS b ON b.org_id = j.org_id AND b.row_id = j.row_id
    WHERE j.org_id = ${orgId} AND j.period = ${period} AND j.kind = 'adjustment' AND r.period <> j.period
      AND e.account LIKE 'Liabilities:%'
    GROUP BY b.row_id, b.kind, b.service, b.provider_id, b.account, b.usage_day, b.subject, b.fact_key
    ORDER BY b.row_id`.execute(db);
  return rows;
}

/** What a provider corrected of a month that was closed is charged in the month in which it was posted. */
function correctionOf(correction: Correction, period: Period): Cells {
  const amount = formatUsd(correction.amount as NanoUsd);
  return {
    ...soldBy(correction),
    BilledCost: amount,
    BillingAccountId: correction.account ?? correction.provider_id,
    BillingAccountName: null,
    BillingCurrency: "USD",
    BillingPeriodEnd: midnight(`${addMonths(period, 1)}-01`),
    BillingPeriodStart: midnight(`${period}-01`),
    ChargeCategory: "Usage",
    ChargeClass: "Correction",
    ChargeDescription: "correction of a month that was closed",
    ChargeFrequency: "One-Time",
    ChargePeriodEnd: midnight(addDays(correction.usage_day as UsageDate, 1)),
    ChargePeriodStart: midnight(correction.usage_day),
    ConsumedQuantity: null,
    ConsumedUnit: null,
    ContractedCost: amount,
    EffectiveCost: amount,
    ListCost: amount,
    PricingQuantity: null,
    PricingUnit: null,
    ResourceId: null,
    ResourceType: null,
    SkuMeter: null,
    Tags: tagsOf({ employee: correction.subject }),
    x_BilledCostUsd: amount,
    x_EvidenceGrade: "billed",
    x_FactKey: correction.fact_key,
    x_Model: null,
    x_ReconciliationStatus: null,
    x_UserEmail: correction.subject,
  };
}

/** Who invoices, who makes and what it is. */
function soldBy({ kind, service: id }: { readonly kind: string; readonly service: string }) {
  const { name, vendor, category } = serviceOf(id);
  const issuer = kind === "CSV_IMPORT" ? vendor : kindLabels[kind as UsageProviderKind];
  const coding = category === "Coding";
  return {
    InvoiceIssuerName: issuer,
    ProviderName: issuer,
    PublisherName: vendor,
    ServiceCategory: coding ? "Developer Tools" : "AI and Machine Learning",
    ServiceName: name,
    ServiceSubcategory: coding ? "Development Environments" : "Generative AI",
  };
}

/** Money as the provider billed it, where that is a currency; credits and the like in US dollars. */
function moneyOf(bill: ExportedBill): { amount: string; currency: string; list: string } {
  const dollars = formatUsd(bill.amount_nano_usd as NanoUsd);
  const { original_amount: stated, original_currency: currency } = bill;
  if (currency !== "USD" && stated !== null && /^[A-Z]{3}$/.test(currency)) {
    return { amount: stated, currency, list: stated };
  }
  const list = bill.list_nano_usd === null ? dollars : formatUsd(bill.list_nano_usd as NanoUsd);
  return { amount: dollars, currency: "USD", list };
}

function tokensOf(bill: ExportedBill): bigint | null {
  const counts = [bill.input_tokens, bill.output_tokens, bill.cache_read_tokens, bill.cache_write_tokens];
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0n);
}

const services = new Map(catalogueServices.map((service) => [service.id, service]));

/** A bill may be of a service that the catalogue does not have: then its own name is all there is. */
function serviceOf(id: string): Pick<CatalogueService, "name" | "vendor" | "category"> {
  return services.get(id) ?? { name: id, vendor: id, category: "Assistant" };
}

function midnight(day: string): string {
  return `${day}T00:00:00Z`;
}

function tagsOf(tags: Readonly<Record<string, string | null>>): string | null {
  const known = Object.entries(tags).filter(([, value]) => value !== null);
  return known.length === 0 ? null : JSON.stringify(Object.fromEntries(known));
}
