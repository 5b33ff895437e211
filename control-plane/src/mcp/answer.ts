import { z } from "zod";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { divideHalfEven, formatUsd, parseDecimal, type NanoUsd } from "@flowstate/shared/money";
import type { UsageDate } from "@flowstate/shared/time";
import { loadRates } from "../billing/exchange.ts";
import { readSurfaceSettings } from "../orgs/surfaces.ts";
import type { Reader } from "../store/open.ts";
import { coverageOf } from "../usage-queries/coverage.ts";
import type { UsageFacts } from "../usage-queries/facts.ts";
import type { UsageWindow } from "../usage-queries/window.ts";

/** In what currency an organisation reads its money. */
export interface Money {
  readonly currency: string;
  /** US dollars for one unit, decimal text; null for US dollars. */
  readonly usdRate: string | null;
  /** An amount as a decimal number in that currency. */
  readonly stated: (amount: NanoUsd) => string;
}

/** Throws FS_INPUT_INVALID where no rate holds on the last day. */
export async function readMoney(db: Reader, orgId: OrgId, day: UsageDate): Promise<Money> {
  const { reportingCurrency: currency } = await readSurfaceSettings(db, orgId);
  if (currency === "USD") return { currency, usdRate: null, stated: formatUsd };
  const usdRate = (await loadRates(db, orgId)).get(currency)?.find(({ fromDay }) => fromDay <= day)?.usd;
  const rate = usdRate === undefined ? null : parseDecimal(usdRate, 20);
  if (usdRate === undefined || rate === null || !rate.ok) {
    throw new FlowstateError("FS_INPUT_INVALID", `no exchange rate of ${currency} holds on ${day}`);
  }
  const stated = (amount: NanoUsd): string =>
    formatUsd(divideHalfEven(amount * 10n ** 20n, rate.value) as NanoUsd);
  return { currency, usdRate, stated };
}

/** What every answer says of itself. */
export const headSchema = z.object({
  window: z.object({ startDate: z.string(), endDate: z.string(), timezone: z.literal("UTC") }),
  currency: z.string(),
  usdRate: z.string().nullable().describe("US dollars for one unit of the currency; null for USD"),
  asOf: z.string().describe("when this was computed"),
  coverage: z.object({
    billedSystems: z.array(z.string()).describe("spend is the vendor's bill"),
    observedSystems: z
      .array(z.string())
      .describe("no bill is known: spend is the list price of observed calls"),
    calls: z.string(),
    uncostedCalls: z.string().describe("calls without a known price, of which the spend says nothing"),
    estimatedCalls: z.string(),
    unattributed: z.string().describe("billed money for which no person is known"),
    lastCallHour: z.string().nullable(),
    lastBillAt: z.string().nullable(),
  }),
  rowsLeftOut: z.int().describe("rows beyond the first 500"),
});

export function headOf(facts: UsageFacts, { startDate, endDate }: UsageWindow, money: Money, now: number) {
  const coverage = coverageOf(facts);
  return {
    window: { startDate, endDate, timezone: "UTC" as const },
    currency: money.currency,
    usdRate: money.usdRate,
    asOf: new Date(now).toISOString(),
    coverage: {
      billedSystems: coverage.billedSystems.map(plain),
      observedSystems: coverage.observedSystems.map(plain),
      calls: String(coverage.calls),
      uncostedCalls: String(coverage.uncostedCalls),
      estimatedCalls: String(coverage.estimatedCalls),
      unattributed: money.stated(coverage.unattributedNanoUsd as NanoUsd),
      lastCallHour: isoOf(coverage.lastCallHour),
      lastBillAt: isoOf(coverage.lastSyncAt),
    },
  };
}

/**
 * A name that a stranger chose, on one line and short: without control, format and direction characters, with which
 * text can pretend to be something else than a name.
 */
export function plain(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .slice(0, 200)
    .toWellFormed();
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
