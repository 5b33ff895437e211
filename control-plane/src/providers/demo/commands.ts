import { Command } from "commander";
import { printJson } from "@flowstate/shared/cli";
import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { addDays, dateOf } from "@flowstate/shared/time";
import { change, say } from "../../command.ts";
import type { Config } from "../../config.ts";
import { connectProvider, demoDays } from "../actions.ts";
import type { DayWindow } from "../connector.ts";
import { listIntegrations, type IntegrationContext } from "../integrations.ts";
import { servicesOf } from "../services.ts";
import { syncNow, type SyncServices } from "../sync.ts";
import { seedGovernance } from "./governance.ts";
import { purgeDemo } from "./purge.ts";
import { seedDemo, seedIncidents } from "./seed.ts";

interface SeedOptions {
  readonly org: string;
  readonly seed: string;
  readonly days: string;
  readonly plain?: true;
  readonly json?: true;
}

/** `flowstate-control demo …`: a company that does not exist, so that every page has something to show. */
export function demoCommands(config: () => Config): Command {
  return new Command("demo")
    .description("made-up data for looking around")
    .addCommand(seedCommand(config))
    .addCommand(purgeCommand(config));
}

function purgeCommand(config: () => Config): Command {
  return new Command("purge")
    .description("take out all that the demo has written")
    .option("--org <slug>", "the organisation", "default")
    .action(async ({ org }: { readonly org: string }) => {
      await change(config(), org, ({ store }, context) => store.transact((db) => purgeDemo(db, context)));
      say("the demo's bills, calls, meters, people, programs and policy are gone");
    });
}

function seedCommand(config: () => Config): Command {
  return new Command("seed")
    .description(
      "write people, calls, meters, bills, incidents, programs and a policy of a made-up company; again adds only the days that are new",
    )
    .option("--org <slug>", "the organisation", "default")
    .option("--seed <number>", "the same number gives the same company", "1")
    .option("--days <number>", "whole days before today", String(demoDays))
    .option("--plain", "ordinary work alone: nothing that goes wrong, no programs and no policy")
    .option("--json", "print one JSON document")
    .action(async (options: SeedOptions) => {
      const seed = wholeNumber("--seed", options.seed, 999_999_999);
      const days = wholeNumber("--days", options.days, 400);
      const settings = config();
      await change(settings, options.org, async (installation, context) => {
        const services = servicesOf(settings, installation);
        const given = { orgId: context.orgId, seed, days, now: context.now };
        const ordinary = await seedDemo(services.store, given);
        const wrong = options.plain ? null : await seedIncidents(services.store, given);
        if (!options.plain) await seedGovernance(services.store, context, given);
        const calls = ordinary.calls + (wrong?.calls ?? 0);
        const providerId = await findOrAdd(services, context, seed);
        const today = dateOf(context.now);
        const lines = await pullOrLeave(services, context, providerId, {
          from: addDays(today, -days),
          until: today,
        });
        if (options.json) printJson({ providerId, days, calls, lines });
        else if (lines === null) say(`${calls} calls of ${days} days; the server is pulling the bills`);
        else say(`${calls} calls and ${lines} lines of bills of ${days} days`);
      });
    });
}

async function findOrAdd(services: SyncServices, context: IntegrationContext, seed: number): Promise<string> {
  const all = await listIntegrations(services.store.reader, context.orgId, context.now);
  const known = all.find(({ kind }) => kind === "DEMO");
  if (known !== undefined) return known.providerId;
  const request = { kind: "DEMO", name: null, inputs: [{ name: "seed", value: String(seed) }] } as const;
  return (await connectProvider(services, context, request, new AbortController().signal)).integration
    .providerId;
}

/** A running server may have begun already; null then. */
async function pullOrLeave(
  services: SyncServices,
  { orgId }: IntegrationContext,
  providerId: string,
  window: DayWindow,
): Promise<number | null> {
  try {
    const never = new AbortController().signal;
    return (await syncNow(services, orgId, providerId, window, "request", never)).lines;
  } catch (error) {
    if (isFlowstateError(error) && error.code === "FS_CONFLICT") return null;
    throw error;
  }
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= most) return value;
  throw new FlowstateError("FS_USAGE", `${name} takes a whole number from 1 to ${most}`);
}
