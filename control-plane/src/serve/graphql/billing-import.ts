import {
  importBill,
  listImports,
  previewImport,
  revertImport,
  type BillingImport,
} from "../../import/actions.ts";
import { requireHabits } from "../../import/habits.ts";
import type { ImportReport, ImportTotal, NamedLine } from "../../import/report.ts";
import { callerOf, changeBy, type Builder } from "./builder.ts";
import type { addUsageProviders } from "./usage-providers.ts";

type KindType = ReturnType<typeof addUsageProviders>;
type Preview = ImportReport & { readonly importedBefore: BillingImport | null };
interface Outcome {
  readonly preview: Preview;
  readonly imported: BillingImport | null;
}

/** Bills as files. A request holds up to 100 kB; larger files take `POST /api/v1/imports` or `flowstate-control import billing`. */
export function addBillingImport(builder: Builder, Kind: KindType): void {
  const Import = addImport(builder, Kind);
  const Result = addResult(builder, Import);

  builder.queryFields((t) => ({
    billingImports: t.field({
      type: [Import],
      description: "bills that came as files, the newest first",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      args: { limit: t.arg.int({ defaultValue: 50, description: "at most so many" }) },
      resolve: (_, { limit }, context) =>
        listImports(
          context.store.reader,
          callerOf(context, "SETTINGS_INTEGRATIONS_VIEW").orgId,
          Math.max(0, Math.min(limit ?? 50, 1000)),
        ),
    }),
  }));

  builder.mutationFields((t) => ({
    importBilling: t.field({
      type: Result,
      description: "imports a bill, every line or none; as a preview it stores nothing and names bad lines",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: {
        provider: t.arg({ type: Kind, required: true, description: "whose bill it is" }),
        fileName: t.arg.string({ required: true, description: "as it is listed" }),
        csv: t.arg.string({ required: true, description: "the file's text" }),
        preview: t.arg.boolean({ defaultValue: true, description: "store nothing" }),
        service: t.arg.id({ description: "service of the catalogue; the provider's own where left out" }),
        currency: t.arg.string({ description: "currency where no column states it; USD where left out" }),
        cents: t.arg.boolean({ defaultValue: false, description: "amounts are in hundredths" }),
        decimalComma: t.arg.boolean({ defaultValue: false, description: "1.234,50 rather than 1,234.50" }),
        dayFirst: t.arg.boolean({ description: "whether 3/4/2026 is in April; such days are refused else" }),
        columns: t.arg.stringList({ description: "which column holds a part, e.g. `amount=Net`" }),
      },
      resolve: async (_, args, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        const given = {
          kind: args.provider,
          service: args.service ?? null,
          currency: args.currency ?? null,
          moneyUnit: args.cents === true ? ("hundredth" as const) : null,
          decimal: args.decimalComma === true ? ("comma" as const) : null,
          dayOrder:
            args.dayFirst == null ? null : args.dayFirst ? ("day-first" as const) : ("month-first" as const),
        };
        const habits = requireHabits(given, args.columns ?? []);
        const bytes = new TextEncoder().encode(args.csv);
        const request = {
          kind: args.provider,
          fileName: args.fileName,
          habits,
          open: async function* () {
            yield bytes;
          },
        };
        const preview = await previewImport(context.store, change, request);
        if (args.preview !== false) return { preview, imported: null };
        return { preview, imported: (await importBill(context.store, change, request)).imported };
      },
    }),
    revertBillingImport: t.boolean({
      description: "takes an import back; its lines count for nothing and stay for history",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_UPDATE" },
      args: { id: t.arg.id({ required: true, description: "the import" }) },
      resolve: async (_, { id }, context) => {
        const change = changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);
        await context.store.transact((db) => revertImport(db, change, id));
        return true;
      },
    }),
  }));
}

function addImport(builder: Builder, Kind: KindType) {
  return builder.objectRef<BillingImport>("BillingImport").implement({
    description: "a bill that came as a file",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ importId }) => importId }),
      provider: t.field({ type: Kind, description: "whose bill it is", resolve: ({ kind }) => kind }),
      fileName: t.exposeString("fileName", { description: "name of the file" }),
      profile: t.exposeString("profile", { description: "focus, generic, or a vendor's export" }),
      lines: t.expose("lines", { type: "BigInt", description: "lines of the bill" }),
      from: t.expose("from", { type: "Date", description: "first day" }),
      to: t.expose("to", { type: "Date", description: "last day" }),
      amountUsd: t.expose("amountUsd", { type: "Usd", description: "what it comes to" }),
      importedBy: t.exposeString("importedBy", { description: "who imported it" }),
      importedAt: t.expose("importedAt", { type: "DateTime", description: "when" }),
      revertedAt: t.expose("revertedAt", {
        type: "DateTime",
        nullable: true,
        description: "when it was taken back",
      }),
    }),
  });
}

function addResult(builder: Builder, Import: ReturnType<typeof addImport>) {
  const Line = builder.objectRef<NamedLine>("ImportLine").implement({
    description: "a line of the file that is not imported",
    fields: (t) => ({
      line: t.exposeInt("line", { description: "its number; the header is line 1" }),
      detail: t.exposeString("detail", { description: "why" }),
    }),
  });
  const Total = builder.objectRef<ImportTotal>("ImportTotal").implement({
    description: "what a month of the file comes to in one currency",
    fields: (t) => ({
      period: t.expose("period", { type: "Period", description: "the month" }),
      currency: t.exposeString("currency", { description: "as the file states it" }),
      amount: t.exposeString("amount", { description: "exact, in that currency" }),
      amountUsd: t.expose("amountUsd", { type: "Usd", description: "the same in US dollars" }),
      lines: t.exposeInt("lines", { description: "how many lines" }),
    }),
  });
  return builder.objectRef<Outcome>("BillingImportResult").implement({
    description: "what importing a file comes to",
    fields: (t) => ({
      profile: t.string({ description: "what it was taken for", resolve: ({ preview }) => preview.profile }),
      lines: t.int({ description: "good lines", resolve: ({ preview }) => preview.lines }),
      faultCount: t.int({ description: "bad lines", resolve: ({ preview }) => preview.faultCount }),
      faults: t.field({
        type: [Line],
        description: "the first hundred bad lines",
        resolve: ({ preview }) => preview.faults,
      }),
      skipped: t.field({
        type: [Line],
        description: "the first hundred lines that are no charges, such as totals",
        resolve: ({ preview }) => preview.skipped,
      }),
      totals: t.field({
        type: [Total],
        description: "what each month comes to",
        resolve: ({ preview }) => preview.totals,
      }),
      importedBefore: t.field({
        type: Import,
        nullable: true,
        description: "the import of the same file, where there is one",
        resolve: ({ preview }) => preview.importedBefore,
      }),
      imported: t.field({
        type: Import,
        nullable: true,
        description: "the import; null for a preview",
        resolve: ({ imported }) => imported,
      }),
    }),
  });
}
