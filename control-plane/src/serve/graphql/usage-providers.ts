import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { addDays, dateOf } from "@flowstate/shared/time";
import { addProvider, rotateCredentials, testProvider } from "../../providers/actions.ts";
import type { Connector, CredentialField, DayWindow } from "../../providers/connector.ts";
import {
  listIntegrations,
  removeIntegration,
  requireIntegration,
  type Integration,
} from "../../providers/integrations.ts";
import { kindLabels, usageProviderKinds, type UsageProviderKind } from "../../providers/kinds.ts";
import { listRuns, type SyncRun } from "../../providers/queries.ts";
import { connectors } from "../../providers/registry.ts";
import type { RunCounts } from "../../providers/run-log.ts";
import { requireConnector, syncNow } from "../../providers/sync.ts";
import { callerOf, changeBy, type Builder, type GraphqlContext } from "./builder.ts";

interface SyncResult {
  readonly counts: RunCounts | null;
  readonly window: DayWindow;
  readonly error: string | null;
}

/** Usage providers: where the bills come from. */
export function addUsageProviders(builder: Builder) {
  const Kind = builder.enumType("UsageProviderKind", {
    description: "a vendor whose bills can be had, or a way to enter them",
    values: Object.fromEntries(
      usageProviderKinds.map((kind) => [kind, { description: kindLabels[kind] }]),
    ) as Record<UsageProviderKind, { description: string }>,
  });

  const State = builder.enumType("UsageProviderState", {
    description: "how a connection is",
    values: {
      ACTIVE: { description: "the last sync succeeded, or none has run yet" },
      ERROR: { description: "the last sync failed" },
      SYNCING: { description: "a sync is running" },
    } satisfies Record<Integration["state"], { description: string }>,
  });

  const RunState = builder.enumType("SyncRunState", {
    description: "how far a sync has come",
    values: {
      RUNNING: { description: "it is reading" },
      DONE: { description: "it has read all of its days" },
      FAILED: { description: "the provider failed" },
      STOPPED: { description: "the program ended meanwhile; the next sync goes on" },
    } satisfies Record<SyncRun["state"], { description: string }>,
  });

  const Run = builder.objectRef<SyncRun>("SyncRun").implement({
    description: "one pull of some days from a provider",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ syncId }) => syncId }),
      from: t.expose("from", { type: "Date", description: "first day" }),
      to: t.expose("to", { type: "Date", description: "last day" }),
      state: t.field({ type: RunState, description: "how far it has come", resolve: ({ state }) => state }),
      lines: t.expose("lines", { type: "BigInt", description: "lines of the bill read so far" }),
      added: t.expose("added", { type: "BigInt", description: "lines that were not there before" }),
      revised: t.expose("revised", { type: "BigInt", description: "lines that the provider restated" }),
      withdrawn: t.expose("withdrawn", { type: "BigInt", description: "lines that the provider withdrew" }),
      startedAt: t.expose("startedAt", { type: "DateTime", description: "when it began" }),
      endedAt: t.expose("endedAt", {
        type: "DateTime",
        nullable: true,
        description: "when it ended; null while it runs",
      }),
      error: t.exposeString("error", { nullable: true, description: "the provider's own words" }),
    }),
  });

  const Provider = builder.objectRef<Integration>("UsageProvider").implement({
    description: "a connected provider",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ providerId }) => providerId }),
      kind: t.field({ type: Kind, description: "which provider", resolve: ({ kind }) => kind }),
      name: t.exposeString("name", { description: "as the admin called it" }),
      state: t.field({ type: State, description: "how the connection is", resolve: ({ state }) => state }),
      lastSyncAt: t.expose("lastSyncAt", {
        type: "DateTime",
        nullable: true,
        description: "end of the last sync that succeeded",
      }),
      lastError: t.exposeString("lastError", {
        nullable: true,
        description: "the provider's own words when the last sync failed",
      }),
      createdAt: t.expose("createdAt", { type: "DateTime", description: "when it was added" }),
      coveredFrom: t.field({
        type: "Date",
        nullable: true,
        description: "first day of which the bill is here; days from it on have no gap",
        resolve: ({ covered }) => covered?.fromDay ?? null,
      }),
      coveredTo: t.field({
        type: "Date",
        nullable: true,
        description: "last day of which the bill is here",
        resolve: ({ covered }) => covered?.untilDay ?? null,
      }),
      runs: t.field({
        type: [Run],
        description: "syncs, the newest first",
        args: { limit: t.arg.int({ defaultValue: 10, description: "at most so many" }) },
        resolve: ({ orgId, providerId }, { limit }, { store }) =>
          listRuns(store.reader, orgId, providerId, Math.max(0, Math.min(limit ?? 10, 100))),
      }),
    }),
  });

  const Field = builder.objectRef<CredentialField>("CredentialField").implement({
    description: "an input of a provider's form",
    fields: (t) => ({
      name: t.exposeString("name", { description: "its name in `credentials`" }),
      label: t.exposeString("label", { description: "its name for people" }),
      secret: t.exposeBoolean("secret", { description: "whether it is hidden as it is typed" }),
      required: t.exposeBoolean("required", { description: "whether it must be given" }),
      hint: t.exposeString("hint", { nullable: true, description: "where it is found" }),
      pattern: t.exposeString("pattern", {
        nullable: true,
        description: "a regular expression that the whole value matches",
      }),
    }),
  });

  const Form = builder.objectRef<Connector>("UsageProviderForm").implement({
    description: "what adding a provider of a kind takes",
    fields: (t) => ({
      kind: t.field({ type: Kind, description: "the kind", resolve: ({ kind }) => kind }),
      label: t.exposeString("label", { description: "its name for people" }),
      fields: t.field({ type: [Field], description: "inputs", resolve: ({ fields }) => fields }),
      configurationFree: t.boolean({
        description: "whether it takes no credential at all",
        resolve: ({ fields }) => fields.length === 0,
      }),
      notes: t.stringList({
        description: "what to expect of its rows",
        resolve: ({ capabilities }) => capabilities.notes,
      }),
    }),
  });

  const Result = builder.objectRef<SyncResult>("SyncResult").implement({
    description: "what a sync came to",
    fields: (t) => ({
      ok: t.boolean({ description: "whether it succeeded", resolve: ({ error }) => error === null }),
      rows: t.int({
        description: "lines that were read; none is no failure",
        resolve: ({ counts }) => counts?.lines ?? 0,
      }),
      from: t.field({ type: "Date", description: "first day", resolve: ({ window }) => window.from }),
      to: t.field({ type: "Date", description: "last day", resolve: ({ window }) => window.until }),
      error: t.exposeString("error", { nullable: true, description: "the provider's own words" }),
      added: t.int({
        description: "lines that were not there before",
        resolve: ({ counts }) => counts?.added ?? 0,
      }),
      revised: t.int({
        description: "lines that were restated",
        resolve: ({ counts }) => counts?.revised ?? 0,
      }),
      withdrawn: t.int({
        description: "lines that were withdrawn",
        resolve: ({ counts }) => counts?.withdrawn ?? 0,
      }),
    }),
  });

  const Input = builder.inputType("CredentialInput", {
    description: "one value of a provider's form",
    fields: (t) => ({
      name: t.string({ required: true, description: "name of the field" }),
      value: t.string({ required: true, description: "its value; it is stored encrypted and never shown" }),
    }),
  });

  builder.queryFields((t) => ({
    usageProviders: t.field({
      type: [Provider],
      description: "connected providers, the oldest first",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      resolve: (_, __, context) =>
        listIntegrations(
          context.store.reader,
          callerOf(context, "SETTINGS_INTEGRATIONS_VIEW").orgId,
          context.clock.now(),
        ),
    }),
    usageProviderForms: t.field({
      type: [Form],
      description: "what can be connected, and what each takes",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      resolve: () => connectors,
    }),
  }));

  const update = { permission: "SETTINGS_INTEGRATIONS_UPDATE" } as const;
  const changeOf = (context: GraphqlContext) =>
    changeBy(callerOf(context, "SETTINGS_INTEGRATIONS_UPDATE"), context);

  builder.mutationFields((t) => ({
    addUsageProvider: t.field({
      type: Provider,
      description:
        "validates the credentials with an immediate sync of the last 24 hours; nothing is stored when that fails",
      authScopes: update,
      args: {
        kind: t.arg({ type: Kind, required: true, description: "which provider" }),
        name: t.arg.string({ description: "how it is listed; the provider's own name where it is left out" }),
        credentials: t.arg({ type: [Input], required: true, description: "the form's values" }),
      },
      resolve: async (_, { kind, name, credentials }, context) => {
        const request = { kind, name: name ?? null, inputs: credentials };
        const added = await addProvider(context.syncing, changeOf(context), request, context.stopping);
        return added.integration;
      },
    }),
    testUsageProvider: t.field({
      type: Result,
      description: "a single-day sync; reports the provider's actual error",
      authScopes: update,
      args: { id: t.arg.id({ required: true, description: "the provider" }) },
      resolve: (_, { id }, context) => {
        const yesterday = addDays(dateOf(context.clock.now()), -1);
        return reported({ from: yesterday, until: yesterday }, () =>
          testProvider(context.syncing, changeOf(context), id, context.stopping),
        );
      },
    }),
    syncUsageProvider: t.field({
      type: Result,
      description: "pulls some days now",
      authScopes: update,
      args: {
        id: t.arg.id({ required: true, description: "the provider" }),
        from: t.arg({
          type: "Date",
          description: "first day; by default the days that the provider may still change",
        }),
        to: t.arg({ type: "Date", description: "last day; today where it is left out" }),
      },
      resolve: async (_, { id, from, to }, context) => {
        const { orgId } = changeOf(context);
        const now = context.clock.now();
        const { kind } = await requireIntegration(context.store.reader, orgId, id, now);
        const today = dateOf(now);
        const until = to ?? today;
        const { rereadDays } = requireConnector(context.syncing, kind).schedule;
        const window = { from: from ?? addDays(until, -rereadDays), until };
        if (until > today || window.from > until) {
          throw new FlowstateError("FS_INPUT_INVALID", `from and to take days in order, up to ${today}`);
        }
        return reported(window, () =>
          syncNow(context.syncing, orgId, id, window, "request", context.stopping),
        );
      },
    }),
    rotateUsageProvider: t.field({
      type: Provider,
      description:
        "puts new credentials in the place of the old ones, once they are proven like those of a new provider",
      authScopes: update,
      args: {
        id: t.arg.id({ required: true, description: "the provider" }),
        credentials: t.arg({ type: [Input], required: true, description: "the form's values" }),
      },
      resolve: (_, { id, credentials }, context) =>
        rotateCredentials(context.syncing, changeOf(context), id, credentials, context.stopping),
    }),
    removeUsageProvider: t.boolean({
      description: "removes the integration; history stays",
      authScopes: update,
      args: { id: t.arg.id({ required: true, description: "the provider" }) },
      resolve: (_, { id }, context) =>
        context.store.transact((db) => removeIntegration(db, changeOf(context), id)),
    }),
  }));

  return Kind;
}

/** What the provider says is an answer to the admin; everything else is an error of the request. */
async function reported(window: DayWindow, run: () => Promise<RunCounts>): Promise<SyncResult> {
  try {
    return { counts: await run(), window, error: null };
  } catch (error) {
    const isAnswer = isFlowstateError(error) && ["FS_UPSTREAM", "FS_INPUT_INVALID"].includes(error.code);
    if (!isAnswer) throw error;
    return { counts: null, window, error: error.message };
  }
}
