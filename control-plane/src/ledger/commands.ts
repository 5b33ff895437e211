import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Argument, Command } from "commander";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import { parsePeriod, type Period } from "@flowstate/shared/time";
import { change, required, say } from "../command.ts";
import type { Config } from "../config.ts";
import { closePeriod, reopenPeriod, verifySnapshot } from "./close.ts";
import { exportNames, exportOf, type ExportName } from "./exports.ts";
import { listPeriods } from "./period.ts";

interface Options {
  readonly org: string;
  readonly period: string;
}

/** `flowstate-control export …`. */
export function exportCommand(config: () => Config): Command {
  return withMonth(new Command("export").description("a month's bills or journals as a file"))
    .addArgument(
      new Argument("<what>", "FOCUS 1.2, the queue, or the ledger's journals").choices(exportNames),
    )
    .option("--format <format>", "csv; for journals hledger or beancount as well", "csv")
    .option("--out <file>", "write to a new file instead of standard output")
    .action(async (name: ExportName, options: Options & { format: string; out?: string }) => {
      const period = required(parsePeriod(options.period));
      await change(config(), options.org, async ({ store }, { orgId }) => {
        const { text } = exportOf(store.reader, orgId, { name, period, format: options.format });
        const source = Readable.from(text);
        if (options.out === undefined) await toStandardOutput(source);
        else await pipeline(source, createWriteStream(options.out, { flags: "wx", mode: 0o600 }));
      });
    });
}

/** A reader that has seen enough, such as `head`, ends the export without a complaint. */
async function toStandardOutput(source: Readable): Promise<void> {
  try {
    await pipeline(source, process.stdout, { end: false });
  } catch (error) {
    if (systemCode(error) !== "EPIPE") throw error;
  }
}

/** `flowstate-control period …`. */
export function periodCommands(config: () => Config): Command {
  const changing = (name: string, description: string, run: (change: Changing) => Promise<void>): Command =>
    withMonth(new Command(name).description(description)).action(
      async (options: Options & { reason?: string }) => {
        const period = required(parsePeriod(options.period));
        await change(config(), options.org, async (installation, context) => {
          await run({ installation, context, period, reason: options.reason ?? "" });
        });
      },
    );
  return new Command("period")
    .description("months of the books")
    .addCommand(
      new Command("list")
        .description("months that were closed")
        .option("--org <slug>", "the organisation", "default")
        .action(async (options: Pick<Options, "org">) => {
          await change(config(), options.org, async ({ store }, { orgId }) => {
            for (const { period, state, closings, changedBy } of await listPeriods(store.reader, orgId)) {
              say(`${period}  ${state}  closed ${closings} times  ${changedBy}`);
            }
          });
        }),
    )
    .addCommand(
      changing(
        "close",
        "freeze a month whose rows are all decided",
        async ({ installation, context, period }) => {
          await installation.store.transact((db) => closePeriod(db, { ...context, period }));
          say(`${period} is closed`);
        },
      ),
    )
    .addCommand(
      changing("reopen", "let people decide about a closed month's rows again", async (given) => {
        const { installation, context, period, reason } = given;
        await installation.store.transact((db) => reopenPeriod(db, { ...context, period, reason }));
        say(`${period} is open again`);
      }).requiredOption("--reason <text>", "why"),
    )
    .addCommand(
      changing(
        "verify",
        "check a closed month's snapshot against its hash",
        async ({ installation, context, period }) => {
          const holds = await verifySnapshot(installation.store.reader, context.orgId, period);
          if (holds === null) throw new FlowstateError("FS_NOT_FOUND", `${period} was never closed`);
          if (!holds)
            throw new FlowstateError("FS_CONFLICT", `${period}: the snapshot is not what was hashed`);
          say(`${period}: the snapshot is what was closed`);
        },
      ),
    );
}

interface Changing {
  readonly installation: Parameters<Parameters<typeof change>[2]>[0];
  readonly context: Parameters<Parameters<typeof change>[2]>[1];
  readonly period: Period;
  readonly reason: string;
}

function withMonth(command: Command): Command {
  return command
    .option("--org <slug>", "the organisation", "default")
    .requiredOption("--period <YYYY-MM>", "the month");
}
