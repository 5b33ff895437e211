import { dateOf } from "@flowstate/shared/time";
import { faultOfCell, focusColumns, type FocusColumn } from "../focus/columns.ts";
import { stateAmount } from "../providers/amount.ts";
import { billLine, type BillLine } from "../providers/connector.ts";
import type { ChargeCategory } from "../billing/tables.ts";
import type { Cells, ImportHabits, ImportProfile, LineOutcome } from "./profile.ts";

/** Columns without which a line of FOCUS says nothing to us. Versions 1.0 to 1.3 all have them. */
const vital = ["BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart"] as const;

/** Columns whose rules a line must fit for us to read it. What else a producer gets wrong is not our line's fault. */
const judgedIds = new Set<string>([...vital, "ListCost", "ConsumedQuantity", "ChargeFrequency", "Tags"]);
const judged: readonly FocusColumn[] = focusColumns.filter(({ id }) => judgedIds.has(id));

/** Columns that tell a line from every other of the same file and of the vendor's next version of it. */
const identifying = [
  "ProviderName",
  "InvoiceIssuerName",
  "BillingAccountId",
  "SubAccountId",
  "ChargePeriodStart",
  "ChargePeriodEnd",
  "ChargeCategory",
  "ChargeClass",
  "ChargeDescription",
  "ServiceName",
  "RegionId",
  "ResourceId",
  "SkuId",
  "SkuMeter",
  "SkuPriceId",
  "Tags",
  "x_UserEmail",
  "x_UserId",
  "x_ApiKeyId",
  "x_Model",
] as const;

/** The FOCUS profile where the header has what FOCUS cannot be without; null for any other file. */
export function focusProfile(header: readonly string[]): ImportProfile | null {
  return vital.every((column) => header.includes(column))
    ? { id: "focus", natural: true, read: readLine }
    : null;
}

function readLine(cells: Cells, habits: ImportHabits): LineOutcome {
  // A column that the producer leaves out may be absent; one that is there must fit its rules.
  const fault = judged
    .filter(({ id }) => cells(id) !== "" || (vital as readonly string[]).includes(id))
    .map((column) => faultOfCell(column, cells(column.id)))
    .find((found) => found !== null);
  if (fault != null) return { kind: "fault", detail: fault };
  const currency = cells("BillingCurrency");
  const amount = stateAmount(cells("BilledCost"), currency);
  const list = cells("ListCost") === "" ? null : stateAmount(cells("ListCost"), currency);
  if (!amount.ok) return { kind: "fault", detail: `BilledCost: ${amount.detail}` };
  const quantity = cells("ConsumedQuantity");
  const { line } = billLine({
    feed: "",
    key: "",
    chargeCategory: cells("ChargeCategory") as ChargeCategory,
    chargeFrequency: frequencyOf(cells),
    service: habits.service,
    account: cells("SubAccountId") || cells("BillingAccountId") || null,
    identity: identityOf(cells),
    day: dateOf(Date.parse(cells("ChargePeriodStart"))),
    description: cells("ChargeDescription") || cells("ServiceName") || "imported line",
    amount: amount.value,
    listAmount: list?.ok === true ? list.value : null,
    model: cells("x_Model") || null,
    sku: cells("SkuMeter") || cells("SkuId") || null,
    quantity: quantity === "" ? null : { value: quantity, unit: cells("ConsumedUnit") || "unit" },
    record: null,
  });
  return { kind: "line", line, identifying: identifying.map((column) => cells(column)) };
}

function frequencyOf(cells: Cells): BillLine["chargeFrequency"] {
  const stated = cells("ChargeFrequency");
  if (stated === "Recurring" || stated === "One-Time") return stated;
  return "Usage-Based";
}

/** A person where the file names one: our own export does, and a tag may. */
function identityOf(cells: Cells): BillLine["identity"] {
  const email = cells("x_UserEmail");
  if (email !== "") return { kind: "email", value: email.toLowerCase() };
  if (cells("x_UserId") !== "") return { kind: "vendor_user", value: cells("x_UserId") };
  if (cells("x_ApiKeyId") !== "") return { kind: "api_key", value: cells("x_ApiKeyId") };
  if (cells("ResourceId") !== "") return { kind: "resource", value: cells("ResourceId") };
  const account = cells("SubAccountId");
  return account === "" ? { kind: "org", value: null } : { kind: "workspace", value: account };
}
