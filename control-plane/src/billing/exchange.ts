import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { divideHalfEven, parseDecimal, parseUsd, type NanoUsd } from "@flowstate/shared/money";
import type { UsageDate } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import type { StatedAmount } from "../providers/amount.ts";
import type { Reader, Writer } from "../store/open.ts";

/** US dollars for one unit of a currency, from a day on. */
export interface ExchangeRate {
  readonly currency: string;
  readonly fromDay: UsageDate;
  /** Decimal text. */
  readonly usd: string;
  /** Where the rate comes from. */
  readonly source: string;
}

/** Rates by currency, the newest first. */
export type Rates = ReadonlyMap<string, readonly ExchangeRate[]>;

/** An amount in nano-USD, and by which rate; null where it was stated in US dollars. */
export interface Converted {
  readonly nanoUsd: NanoUsd;
  readonly rate: ExchangeRate | null;
}

export async function loadRates(db: Reader, orgId: OrgId): Promise<Rates> {
  const rows = await db
    .selectFrom("exchange_rates")
    .select(["currency", "from_day", "usd", "source"])
    .where("org_id", "=", orgId)
    .orderBy("from_day", "desc")
    .execute();
  const rates = rows.map(({ from_day, ...rest }) => ({ ...rest, fromDay: from_day as UsageDate }));
  return Map.groupBy(rates, ({ currency }) => currency);
}

/**
 * Converts by the rate that holds on the day of the usage, rounding once, half to even. Throws FS_INPUT_INVALID where
 * there is none: an amount that nobody can convert must not be stored as something it is not.
 */
export function toUsd({ text, currency }: StatedAmount, day: UsageDate, rates: Rates): Converted {
  if (currency === "USD") return { nanoUsd: exact(parseUsd(text)), rate: null };
  const rate = rates.get(currency)?.find(({ fromDay }) => fromDay <= day);
  if (rate === undefined) {
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `the bill of ${day} is in ${currency} and no exchange rate of ${currency} holds on that day; set one with \`flowstate-control exchange-rate set ${currency} RATE --from ${day}\``,
    );
  }
  const product = exact(parseDecimal(text, 20)) * exact(parseDecimal(rate.usd, 20));
  return { nanoUsd: divideHalfEven(product, 10n ** 31n) as NanoUsd, rate };
}

function exact<T>(
  parsed: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string },
): T {
  if (parsed.ok) return parsed.value;
  throw new FlowstateError("FS_INPUT_INVALID", parsed.detail);
}

/** Sets what a currency is worth from a day on. Rows that are stored already keep their rate until they are pulled again. */
export async function setExchangeRate(
  db: Writer,
  { orgId, actor, now }: { readonly orgId: OrgId; readonly actor: string; readonly now: number },
  { currency, fromDay, usd, source }: ExchangeRate,
): Promise<void> {
  if (!/^[A-Z]{3}$/.test(currency) || currency === "USD") {
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `"${currency.slice(0, 10)}" is not a currency code such as EUR`,
    );
  }
  if (exact(parseDecimal(usd, 20)) <= 0n) {
    throw new FlowstateError("FS_INPUT_INVALID", "an exchange rate takes a number above 0 such as 1.0837");
  }
  const values = { usd, source, set_by: actor, set_at: now };
  await db
    .insertInto("exchange_rates")
    .values({ org_id: orgId, currency, from_day: fromDay, ...values })
    .onConflict((on) => on.columns(["org_id", "currency", "from_day"]).doUpdateSet(values))
    .execute();
  const detail = `1 ${currency} = ${usd} USD from ${fromDay} (${source})`;
  await recordAudit(db, { orgId, at: now, actor, action: "exchange_rate.set", target: currency, detail });
}
