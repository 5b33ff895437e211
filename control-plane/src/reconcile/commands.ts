import { Command } from "commander";
import { printJson } from "@flowstate/shared/cli";
import { formatUsd } from "@flowstate/shared/money";
import { parsePeriod, periodOf } from "@flowstate/shared/time";
import { change, required, say } from "../command.ts";
import type { Config } from "../config.ts";
import { reconcilePeriod } from "./run.ts";
import { summarise } from "./summary.ts";

interface RunOptions {
  readonly org: string;
  readonly period?: string;
  readonly json?: true;
}

/** `flowstate-control reconcile …`. */
export function reconcileCommands(config: () => Config): Command {
  return new Command("reconcile").description("bills against observed usage").addCommand(
    new Command("run")
      .description("match a month anew and say how it stands")
      .option("--org <slug>", "the organisation", "default")
      .option("--period <YYYY-MM>", "the month; the current one by default")
      .option("--json", "print one JSON document")
      .action(async (options: RunOptions) => {
        await change(config(), options.org, async ({ store }, { orgId, now }) => {
          const period = options.period === undefined ? periodOf(now) : required(parsePeriod(options.period));
          const run = await reconcilePeriod(store, { orgId, period, now });
          const summary = await summarise(store.reader, orgId, period, now);
          const figures = {
            billedUsd: formatUsd(summary.billed),
            observedUsd: formatUsd(summary.observed),
            writtenOffUsd: formatUsd(summary.writtenOff),
            residualUsd: formatUsd(summary.residual),
          };
          const causes = summary.causes.map(({ cause, amount }) => ({ cause, amountUsd: formatUsd(amount) }));
          if (options.json) {
            const counts = Object.fromEntries(summary.counts.map(({ status, rows }) => [status, rows]));
            printJson({ ...run, ...figures, counts, causes });
            return;
          }
          say(`${period}: ${run.rows} rows, ${run.matches} matches, ${run.changed} changed`);
          say(
            `billed ${figures.billedUsd} - observed ${figures.observedUsd} - written off ${figures.writtenOffUsd} = residual ${figures.residualUsd} USD`,
          );
          for (const { cause, amountUsd } of causes) say(`  ${cause.padEnd(22)} ${amountUsd.padStart(16)}`);
        });
      }),
  );
}
