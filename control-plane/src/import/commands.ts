import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Command, Option } from "commander";
import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import { formatUsd } from "@flowstate/shared/money";
import { change, required, say } from "../command.ts";
import type { Config } from "../config.ts";
import { importDirectoryCommand } from "../directory/commands.ts";
import { parseKind } from "../providers/kinds.ts";
import { importBill, listImports, previewImport, revertImport, type BillingImport } from "./actions.ts";
import { requireHabits } from "./habits.ts";
import type { ImportReport } from "./report.ts";

interface InOrg {
  readonly org: string;
  readonly json?: true;
}

interface BillingOptions extends InOrg {
  readonly provider: string;
  readonly service?: string;
  readonly currency?: string;
  readonly cents?: true;
  readonly decimalComma?: true;
  readonly days?: "month-first" | "day-first";
  readonly column: readonly string[];
  readonly preview?: true;
}

/** `flowstate-control import …`: bills as files, for providers without a billing API. */
export function importCommands(config: () => Config): Command {
  return new Command("import")
    .description("bills as files: FOCUS, vendors' exports, any CSV; and the directory")
    .addCommand(billingCommand(config))
    .addCommand(importDirectoryCommand(config))
    .addCommand(
      inOrg("list", "imports, the newest first").action((options: InOrg) =>
        change(config(), options.org, async ({ store }, { orgId }) => {
          const imports = await listImports(store.reader, orgId, 1000);
          if (options.json) return printJson(imports.map(shown));
          for (const each of imports) say(describe(each));
        }),
      ),
    )
    .addCommand(
      inOrg("revert", "take an import back; its lines count for nothing and stay for history")
        .argument("<id>", "the import")
        .action((id: string, options: InOrg) =>
          change(config(), options.org, async ({ store }, context) => {
            await store.transact((db) => revertImport(db, context, id));
            if (options.json) printJson({ id, reverted: true });
            else say(`${id} is taken back`);
          }),
        ),
    );
}

function billingCommand(config: () => Config): Command {
  return inOrg("billing", "import a bill, every line or none")
    .argument("<file>", "CSV in UTF-8")
    .requiredOption("--provider <kind>", "whose bill it is; csv-import for any other")
    .option("--service <id>", "service of the catalogue, where it is not the provider's own")
    .option("--currency <code>", "currency where no column states it; USD where it is left out")
    .option("--cents", "amounts are in hundredths")
    .option("--decimal-comma", "1.234,50 rather than 1,234.50")
    .addOption(new Option("--days <order>", "what 3/4/2026 means").choices(["month-first", "day-first"]))
    .option("--column <part=name...>", "which column holds a part, e.g. amount=Net", [])
    .option("--preview", "say what would be imported and which lines are bad, and store nothing")
    .action((file: string, options: BillingOptions) =>
      change(config(), options.org, async ({ store }, context) => {
        const kind = required(parseKind(options.provider));
        const given = {
          kind,
          service: options.service ?? null,
          currency: options.currency ?? null,
          moneyUnit: options.cents === true ? ("hundredth" as const) : null,
          decimal: options.decimalComma === true ? ("comma" as const) : null,
          dayOrder: options.days ?? null,
        };
        const habits = requireHabits(given, options.column);
        requireFile(file);
        const open = () => createReadStream(file);
        const request = { kind, fileName: basename(file), open, habits };
        if (options.preview) return report(await previewImport(store, context, request), options);
        const { imported, added, revised } = await importBill(store, context, request);
        if (options.json) printJson({ ...shown(imported), added, revised });
        else say(`${describe(imported)}; ${added} new, ${revised} restated`);
      }),
    );
}

function report(
  found: ImportReport & { readonly importedBefore: BillingImport | null },
  { json }: InOrg,
): void {
  const { profile, lines, totals, faults, faultCount, skipped, importedBefore } = found;
  if (json) {
    const sums = totals.map(({ amountUsd, ...total }) => ({ ...total, amountUsd: formatUsd(amountUsd) }));
    return printJson({
      profile,
      lines,
      totals: sums,
      faultCount,
      faults,
      skipped,
      importedBefore: importedBefore?.importId ?? null,
    });
  }
  say(`${profile}: ${lines} lines to import, ${faultCount} bad, ${skipped.length} left out`);
  for (const { period, currency, amount, lines: count } of totals)
    say(`${period}  ${amount} ${currency}  ${count} lines`);
  for (const { line, detail } of faults) say(`line ${line}: ${detail}`);
  for (const { line, detail } of skipped) say(`line ${line}: left out, ${detail}`);
  if (importedBefore !== null) say(`the same file was imported before: ${describe(importedBefore)}`);
}

function requireFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new FlowstateError("FS_INPUT_INVALID", `there is no file ${file}`);
  }
}

function inOrg(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--org <slug>", "the organisation", "default")
    .option("--json", "print one JSON document");
}

function shown({ importId, amountUsd, lines, importedAt, revertedAt, ...rest }: BillingImport) {
  return {
    id: importId,
    ...rest,
    lines: Number(lines),
    amountUsd: formatUsd(amountUsd),
    importedAt: new Date(importedAt).toISOString(),
    revertedAt: revertedAt === null ? null : new Date(revertedAt).toISOString(),
  };
}

function describe({
  importId,
  kind,
  fileName,
  lines,
  from,
  to,
  amountUsd,
  revertedAt,
}: BillingImport): string {
  const state = revertedAt === null ? "" : "  taken back";
  return `${importId}  ${kind}  ${from} to ${to}  ${lines} lines  ${formatUsd(amountUsd)} USD  ${fileName}${state}`;
}
