import {
  readSurfaceSettings,
  setMcpEnabled,
  setReportingCurrency,
  type SurfaceSettings,
} from "../../orgs/surfaces.ts";
import { callerOf, changeBy, type Builder } from "./builder.ts";

/** How the organisation lets its data be asked about. */
export function addSurfaces(builder: Builder): void {
  const Settings = builder.objectRef<SurfaceSettings>("SurfaceSettings").implement({
    description: "how the organisation lets its data be asked about",
    fields: (t) => ({
      mcpEnabled: t.exposeBoolean("mcpEnabled", { description: "whether applications may ask over MCP" }),
      reportingCurrency: t.exposeString("reportingCurrency", {
        description: "currency of answers over MCP, e.g. EUR",
      }),
    }),
  });

  builder.queryFields((t) => ({
    surfaceSettings: t.field({
      type: Settings,
      description: "whether applications may ask over MCP, and in which currency they are answered",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      resolve: (_, __, context) =>
        readSurfaceSettings(context.store.reader, callerOf(context, "SETTINGS_INTEGRATIONS_VIEW").orgId),
    }),
  }));

  builder.mutationFields((t) => ({
    setMcpEnabled: t.boolean({
      description: "lets applications ask over MCP, or turns all of them away at once",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: { enabled: t.arg.boolean({ required: true, description: "whether they may ask" }) },
      resolve: async (_, { enabled }, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        await context.store.transact((db) => setMcpEnabled(db, change, enabled));
        return true;
      },
    }),
    setReportingCurrency: t.boolean({
      description: "sets the currency of answers over MCP; an exchange rate of it must be known",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: { currency: t.arg.string({ required: true, description: "ISO 4217 code, e.g. EUR" }) },
      resolve: async (_, { currency }, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        await context.store.transact((db) => setReportingCurrency(db, change, currency));
        return true;
      },
    }),
  }));
}
