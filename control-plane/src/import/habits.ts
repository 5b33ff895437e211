import { FlowstateError } from "@flowstate/shared/errors";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { catalogueServices } from "../catalogue/services.data.ts";
import { providerSlugs, type UsageProviderKind } from "../providers/kinds.ts";
import { importFields, type ColumnMap, type ImportField, type ImportHabits } from "./profile.ts";

/** What an admin may say about a file, as text; null where nothing is said. */
export interface GivenHabits {
  readonly kind: UsageProviderKind;
  readonly service: string | null;
  readonly currency: string | null;
  readonly moneyUnit: ImportHabits["moneyUnit"] | null;
  readonly decimal: ImportHabits["decimal"] | null;
  readonly dayOrder: ImportHabits["dayOrder"];
  readonly columns: ColumnMap;
}

/** The same with columns as `PART=COLUMN`. Throws FS_INPUT_INVALID. */
export function requireHabits(given: Omit<GivenHabits, "columns">, pairs: readonly string[]): ImportHabits {
  const columns = parseColumnMap(pairs);
  if (!columns.ok) throw new FlowstateError("FS_INPUT_INVALID", columns.detail);
  const habits = parseHabits({ ...given, columns: columns.value });
  if (!habits.ok) throw new FlowstateError("FS_INPUT_INVALID", habits.detail);
  return habits.value;
}

/** Fills in what was not said. Refuses a service that the catalogue does not have and what is no currency. */
export function parseHabits(given: GivenHabits): Parsed<ImportHabits> {
  const service = given.service ?? ownService(given.kind);
  if (service === null) {
    return refuse("no_service", "an import of no particular provider takes the service that it is a bill of");
  }
  if (!catalogueServices.some(({ id }) => id === service)) {
    return refuse("no_service", `"${service.slice(0, 40)}" is not a service of the catalogue`);
  }
  const currency = (given.currency ?? "USD").toUpperCase();
  if (!/^[A-Z]{3}$/.test(currency)) {
    return refuse("not_a_currency", `"${currency.slice(0, 10)}" is not a currency code such as USD`);
  }
  return ok({
    service,
    currency,
    moneyUnit: given.moneyUnit ?? "whole",
    decimal: given.decimal ?? "point",
    dayOrder: given.dayOrder,
    columns: given.columns,
  });
}

/** Reads `date=Usage Date` and the like. */
function parseColumnMap(pairs: readonly string[]): Parsed<ColumnMap> {
  const entries = pairs.map(
    (pair) => [pair.split("=", 1)[0] ?? "", pair.slice(pair.indexOf("=") + 1)] as const,
  );
  const stranger = entries.find(([name], index) => !isField(name) || !(pairs[index] ?? "").includes("="));
  return stranger === undefined
    ? ok(Object.fromEntries(entries) as ColumnMap)
    : refuse(
        "not_a_field",
        `"${stranger[0].slice(0, 40)}" is no part of a line; use PART=COLUMN with ${importFields.join(", ")}`,
      );
}

function ownService(kind: UsageProviderKind): string | null {
  const slug = providerSlugs[kind][0];
  return catalogueServices.find(({ provider }) => provider === slug)?.id ?? null;
}

function isField(name: string): name is ImportField {
  return (importFields as readonly string[]).includes(name);
}
