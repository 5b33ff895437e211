import { loadRates, setExchangeRate, type ExchangeRate } from "../../billing/exchange.ts";
import { callerOf, changeBy, type Builder } from "./builder.ts";

/** What currencies are worth, for bills that are not in US dollars. */
export function addExchangeRates(builder: Builder): void {
  const Rate = builder.objectRef<ExchangeRate>("ExchangeRate").implement({
    description: "what one unit of a currency is worth, from a day on until the next entry",
    fields: (t) => ({
      currency: t.exposeString("currency", { description: "ISO 4217 code" }),
      fromDay: t.expose("fromDay", { type: "Date", description: "first day on which it holds" }),
      usd: t.exposeString("usd", { description: "US dollars for one unit, as decimal text" }),
      source: t.exposeString("source", { description: "where the rate comes from" }),
    }),
  });

  builder.queryFields((t) => ({
    exchangeRates: t.field({
      type: [Rate],
      description: "rates by currency, the newest first",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      resolve: async (_, __, context) => {
        const { orgId } = callerOf(context, "SETTINGS_INTEGRATIONS_VIEW");
        return [...(await loadRates(context.store.reader, orgId)).values()].flat();
      },
    }),
  }));

  builder.mutationFields((t) => ({
    setExchangeRate: t.boolean({
      description:
        "sets what a currency is worth from a day on; rows follow when their days are pulled again",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: {
        currency: t.arg.string({ required: true, description: "ISO 4217 code such as EUR" }),
        fromDay: t.arg({ type: "Date", required: true, description: "first day on which it holds" }),
        usd: t.arg.string({ required: true, description: "US dollars for one unit, such as 1.0837" }),
        source: t.arg.string({ required: true, description: "where the rate comes from" }),
      },
      resolve: async (_, { currency, fromDay, usd, source }, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        const rate = { currency: currency.toUpperCase(), fromDay, usd, source };
        await context.store.transact((db) => setExchangeRate(db, change, rate));
        return true;
      },
    }),
  }));
}
