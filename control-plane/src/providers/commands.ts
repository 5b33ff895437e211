import { Command } from "commander";
import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { addDays, dateOf, parseUsageDate, type UsageDate } from "@flowstate/shared/time";
import { loadRates, setExchangeRate } from "../billing/exchange.ts";
import { change, readPrivate, required, say } from "../command.ts";
import type { Config } from "../config.ts";
import { addProvider, rotateCredentials, testProvider, type CredentialInput } from "./actions.ts";
import {
  listIntegrations,
  removeIntegration,
  requireIntegration,
  type Integration,
  type IntegrationContext,
} from "./integrations.ts";
import { parseKind, usageProviderKinds } from "./kinds.ts";
import { connectors } from "./registry.ts";
import type { RunCounts } from "./run-log.ts";
import { servicesOf } from "./services.ts";
import { requireConnector, syncNow, type SyncServices } from "./sync.ts";

type ReadConfig = () => Config;

interface InOrg {
  readonly org: string;
  readonly json?: true;
}

interface WithCredentials extends InOrg {
  readonly credentials?: string;
}

/** `flowstate-control provider …`. They work with the server running or stopped; a lease keeps two syncs apart. */
export function providerCommands(config: ReadConfig): Command {
  return new Command("provider")
    .description("usage providers: where the bills come from")
    .addCommand(formsCommand())
    .addCommand(listCommand(config))
    .addCommand(addCommand(config))
    .addCommand(testCommand(config))
    .addCommand(syncCommand(config))
    .addCommand(rotateCommand(config))
    .addCommand(removeCommand(config));
}

function formsCommand(): Command {
  return new Command("forms").description("what can be connected, and what each takes").action(() => {
    for (const { kind, label, fields, capabilities } of connectors) {
      say(`${kind.padEnd(16)}${label}`);
      for (const field of fields)
        say(`  ${field.name}${field.required ? "" : " (optional)"}: ${field.hint ?? field.label}`);
      for (const note of capabilities.notes) say(`  ${note}`);
    }
  });
}

function listCommand(config: ReadConfig): Command {
  return inOrg("list", "connected providers, the oldest first").action((options: InOrg) =>
    inSync(config(), options.org, async ({ store, clock }, { orgId }) => {
      const all = await listIntegrations(store.reader, orgId, clock.now());
      if (options.json) return printJson(all.map(shown));
      for (const each of all) say(describe(each));
    }),
  );
}

function addCommand(config: ReadConfig): Command {
  return withCredentials(
    "add",
    "connect a provider, once a pull of the last 24 hours has proven the credentials",
  )
    .argument("<kind>", `one of ${usageProviderKinds.join(", ")}`)
    .option("--name <name>", "how it is listed")
    .action(async (given: string, options: WithCredentials & { readonly name?: string }) => {
      const kind = required(parseKind(given));
      const inputs = await readCredentials(options.credentials);
      await inSync(config(), options.org, async (services, context) => {
        const request = { kind, name: options.name ?? null, inputs };
        const { integration, lines } = await addProvider(services, context, request, stopSignal());
        if (options.json) return printJson({ ...shown(integration), lines });
        say(
          `${integration.providerId}: ${lines} lines in the last 24 hours; a running server pulls the rest`,
        );
      });
    });
}

function testCommand(config: ReadConfig): Command {
  return inOrg("test", "pull the last day that is over")
    .argument("<id>", "the provider")
    .action((id: string, options: InOrg) =>
      inSync(config(), options.org, async (services, context) => {
        const { window, ...counts } = await testProvider(services, context, id, stopSignal());
        report(options, window, counts);
      }),
    );
}

function syncCommand(config: ReadConfig): Command {
  return inOrg("sync", "pull some days now")
    .argument("<id>", "the provider")
    .option("--from <day>", "first UTC day; by default the days that the provider may still change")
    .option("--to <day>", "last UTC day; today where it is left out")
    .action((id: string, options: InOrg & { readonly from?: string; readonly to?: string }) =>
      inSync(config(), options.org, async (services, { orgId }) => {
        const { store, clock } = services;
        const { kind } = await requireIntegration(store.reader, orgId, id, clock.now());
        const until = dayOr(options.to, dateOf(clock.now()));
        const from = dayOr(
          options.from,
          addDays(until, -requireConnector(services, kind).schedule.rereadDays),
        );
        const window = { from, until };
        report(options, window, await syncNow(services, orgId, id, window, "request", stopSignal()));
      }),
    );
}

function rotateCommand(config: ReadConfig): Command {
  return withCredentials("rotate", "put new credentials in the place of the old ones, once they are proven")
    .argument("<id>", "the provider")
    .action(async (id: string, options: WithCredentials) => {
      const inputs = await readCredentials(options.credentials);
      await inSync(config(), options.org, async (services, context) => {
        const integration = await rotateCredentials(services, context, id, inputs, stopSignal());
        if (options.json) return printJson(shown(integration));
        say(describe(integration));
      });
    });
}

function removeCommand(config: ReadConfig): Command {
  return inOrg("remove", "end the pulling and forget the credentials; history stays")
    .argument("<id>", "the provider")
    .action((id: string, options: InOrg) =>
      inSync(config(), options.org, async ({ store, clock }, context) => {
        const { name } = await requireIntegration(store.reader, context.orgId, id, clock.now());
        await store.transact((db) => removeIntegration(db, context, id));
        if (options.json) printJson({ id, removed: true });
        else say(`removed "${name}"; its history stays`);
      }),
    );
}

/** `flowstate-control exchange-rate …`: what currencies other than the US dollar are worth. */
export function exchangeRateCommands(config: ReadConfig): Command {
  return new Command("exchange-rate")
    .description("what a currency is worth in US dollars, for bills in it")
    .addCommand(
      inOrg("set", "set a rate from a day on")
        .argument("<currency>", "code such as EUR")
        .argument("<rate>", "US dollars for one unit, such as 1.0837")
        .requiredOption("--from <day>", "first UTC day on which it holds")
        .option("--source <text>", "where the rate comes from", "entered by the operator")
        .action(
          (
            currency: string,
            usd: string,
            options: InOrg & { readonly from: string; readonly source: string },
          ) =>
            inSync(config(), options.org, async ({ store }, context) => {
              const fromDay = required(parseUsageDate(options.from));
              const rate = { currency: currency.toUpperCase(), usd, fromDay, source: options.source };
              await store.transact((db) => setExchangeRate(db, context, rate));
              if (options.json) printJson(rate);
              else say(`1 ${rate.currency} = ${usd} USD from ${fromDay}`);
            }),
        ),
    )
    .addCommand(
      inOrg("list", "rates by currency, the newest first").action((options: InOrg) =>
        inSync(config(), options.org, async ({ store }, { orgId }) => {
          const rates = [...(await loadRates(store.reader, orgId)).values()].flat();
          if (options.json) return printJson(rates);
          for (const { currency, usd, fromDay, source } of rates)
            say(`${currency}  ${fromDay}  ${usd}  ${source}`);
        }),
      ),
    );
}

function inOrg(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--org <slug>", "the organisation", "default")
    .option("--json", "print one JSON document");
}

function withCredentials(name: string, description: string): Command {
  return inOrg(name, description).option(
    "--credentials <file>",
    "a file only you can read, or - for standard input: one JSON object of field names and values",
  );
}

function inSync(
  config: Config,
  slug: string,
  run: (services: SyncServices, context: IntegrationContext & { readonly orgId: OrgId }) => Promise<void>,
): Promise<void> {
  return change(config, slug, (installation, context) => run(servicesOf(config, installation), context));
}

/** Credentials from a private file or from standard input. */
async function readCredentials(file: string | undefined): Promise<readonly CredentialInput[]> {
  if (file === undefined) return [];
  const given = await readPrivate(file);
  let parsed: unknown;
  try {
    parsed = JSON.parse(given);
  } catch {
    throw badCredentials();
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw badCredentials();
  return Object.entries(parsed).map(([name, value]: [string, unknown]) => {
    if (typeof value !== "string") throw badCredentials();
    return { name, value };
  });
}

function badCredentials(): FlowstateError {
  return new FlowstateError(
    "FS_INPUT_INVALID",
    'credentials are one JSON object of texts such as {"adminKey": "…"}; see `flowstate-control provider forms`',
  );
}

function dayOr(given: string | undefined, fallback: UsageDate): UsageDate {
  return given === undefined ? fallback : required(parseUsageDate(given));
}

/** Ctrl-C ends a pull in a state from which the next goes on. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  return stop.signal;
}

function report(
  { json }: InOrg,
  { from, until }: { from: UsageDate; until: UsageDate },
  counts: RunCounts,
): void {
  if (json) return printJson({ from, to: until, ...counts });
  const { lines, added, revised, withdrawn } = counts;
  say(`${from} to ${until}: ${lines} lines, ${added} new, ${revised} restated, ${withdrawn} withdrawn`);
}

function shown({ providerId, kind, name, state, lastSyncAt, lastError, covered }: Integration) {
  const at = lastSyncAt === null ? null : new Date(lastSyncAt).toISOString();
  return { id: providerId, kind, name, state, lastSyncAt: at, lastError, covered };
}

function describe({ providerId, kind, name, state, lastError, covered }: Integration): string {
  const days = covered === null ? "nothing pulled yet" : `${covered.fromDay} to ${covered.untilDay}`;
  return `${providerId}  ${kind}  ${state}  ${days}  ${name}${lastError === null ? "" : `: ${lastError}`}`;
}
