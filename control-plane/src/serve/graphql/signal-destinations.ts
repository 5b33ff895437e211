import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { actorOf } from "../../access/check.ts";
import { pauseDestination, rotateSigningSecret } from "../../signals/delivery/change-destination.ts";
import {
  addDestination,
  listDestinations,
  removeDestination,
  type Destination,
} from "../../signals/delivery/destinations.ts";
import type { DeliveryFormat } from "../../signals/delivery/payload.ts";
import { testDestination, type TestResult } from "../../signals/delivery/trial.ts";
import { callerOf, type Builder, type GraphqlContext } from "./builder.ts";
import type { addSignals } from "./signals.ts";

type SignalTypes = ReturnType<typeof addSignals>;

const view = "SETTINGS_INTEGRATIONS_VIEW";
const update = "SETTINGS_INTEGRATIONS_UPDATE";

interface Added {
  readonly destination: Destination;
  readonly secret: string;
}

/** Where signals are delivered to. */
export function addSignalDestinations(builder: Builder, { Severity, Category }: SignalTypes): void {
  const { Format, Row, Reveal, Result } = addTypes(builder, { Severity, Category });

  builder.queryFields((t) => ({
    signalDestinations: t.field({
      type: [Row],
      description: "where signals are delivered to, by name",
      authScopes: { permission: view },
      resolve: (_, __, context) => listDestinations(context.store.reader, callerOf(context, view).orgId),
    }),
  }));

  builder.mutationFields((t) => ({
    addSignalDestination: t.field({
      type: Reveal,
      description: "delivers signals there from now on",
      authScopes: { permission: update },
      args: {
        name: t.arg.string({ required: true, description: "as people know it; no two share one" }),
        url: t.arg.string({ required: true, description: "an https:// address that takes POST" }),
        format: t.arg({ type: Format, defaultValue: "JSON", description: "what it understands" }),
        minSeverity: t.arg({ type: Severity, defaultValue: "WARN", description: "nothing below it" }),
        categories: t.arg({
          type: [Category],
          description: "these alone; every category where it is left out",
        }),
        authorization: t.arg.string({
          description: "value of the Authorization header that it wants, for example `Bearer …`",
        }),
      },
      resolve: async (_, { name, url, format, minSeverity, categories, authorization }, context) => {
        const change = changeOf(context);
        const given = {
          name,
          url,
          format: format ?? "JSON",
          minSeverity: minSeverity ?? "WARN",
          categories: categories ?? null,
          authorization: authorization ?? null,
        };
        const { destinationId, secret } = await context.store.transact((db) =>
          addDestination(db, change, given, context.syncing.master),
        );
        const destination = await readDestination(context, change.orgId, destinationId);
        return { destination, secret: secret.reveal() };
      },
    }),
    testSignalDestination: t.field({
      type: Result,
      description: "sends a made-up signal there at once, and says what became of it",
      authScopes: { permission: update },
      args: { id: t.arg.id({ required: true, description: "the destination" }) },
      resolve: (_, { id }, context) => {
        const { orgId, actor } = changeOf(context);
        const { store, clock, syncing, postSignal: post, stopping } = context;
        return testDestination(
          { store, clock, master: syncing.master, post },
          { orgId, actor },
          id,
          stopping,
        );
      },
    }),
    pauseSignalDestination: t.field({
      type: Row,
      description:
        "delivers nothing there until it is resumed; what is detected meanwhile waits for up to three days",
      authScopes: { permission: update },
      args: {
        id: t.arg.id({ required: true, description: "the destination" }),
        paused: t.arg.boolean({ defaultValue: true, description: "false resumes it" }),
      },
      resolve: async (_, { id, paused }, context) => {
        const change = changeOf(context);
        await context.store.transact((db) => pauseDestination(db, change, id, paused ?? true));
        return readDestination(context, change.orgId, id);
      },
    }),
    rotateSignalSecret: t.field({
      type: Reveal,
      description:
        "makes a new signing secret; the old one signs as well for 24 hours, and one before it no more",
      authScopes: { permission: update },
      args: { id: t.arg.id({ required: true, description: "the destination" }) },
      resolve: async (_, { id }, context) => {
        const change = changeOf(context);
        const secret = await context.store.transact((db) =>
          rotateSigningSecret(db, change, id, context.syncing.master),
        );
        return { destination: await readDestination(context, change.orgId, id), secret: secret.reveal() };
      },
    }),
    removeSignalDestination: t.boolean({
      description:
        "delivers nothing there any more, not even what waits; false when there is none of that id",
      authScopes: { permission: update },
      args: { id: t.arg.id({ required: true, description: "the destination" }) },
      resolve: (_, { id }, context) =>
        context.store.transact((db) => removeDestination(db, changeOf(context), id)),
    }),
  }));
}

async function readDestination(
  { store }: GraphqlContext,
  orgId: OrgId,
  destinationId: string,
): Promise<Destination> {
  const all = await listDestinations(store.reader, orgId);
  const destination = all.find((each) => each.destinationId === destinationId);
  if (destination !== undefined) return destination;
  throw new FlowstateError("FS_NOT_FOUND", "this destination is gone already");
}

function changeOf(context: GraphqlContext) {
  const caller = callerOf(context, update);
  return { orgId: caller.orgId, actor: actorOf(caller), now: context.clock.now() };
}

function addTypes(builder: Builder, { Severity, Category }: SignalTypes) {
  const Format = builder.enumType("SignalFormat", {
    description: "what a destination understands",
    values: {
      JSON: { description: "our own, signed as Standard Webhooks" },
      SLACK: { description: "a message for an incoming webhook of Slack, or what is compatible with it" },
      OCSF: { description: "a Detection Finding of OCSF 1.3, for a SIEM" },
    } satisfies Record<DeliveryFormat, { description: string }>,
  });

  const Row = builder.objectRef<Destination>("SignalDestination").implement({
    description: "where signals are delivered to",
    fields: (t) => ({
      id: t.exposeID("destinationId", { description: "identifier" }),
      name: t.exposeString("name", { description: "as people know it" }),
      format: t.expose("format", { type: Format, description: "what it understands" }),
      host: t.exposeString("host", { description: "host of its address; the rest is kept as a secret" }),
      minSeverity: t.expose("minSeverity", { type: Severity, description: "nothing below is delivered" }),
      categories: t.field({
        type: [Category],
        nullable: true,
        description: "what is delivered; null for every category",
        resolve: ({ categories }) => categories,
      }),
      createdAt: t.expose("createdAt", { type: "DateTime", description: "when it was added" }),
      createdBy: t.exposeString("createdBy", { description: "who added it" }),
      lastDeliveredAt: t.expose("lastDeliveredAt", {
        type: "DateTime",
        nullable: true,
        description: "when it last took a signal; null for never",
      }),
      lastError: t.exposeString("lastError", {
        nullable: true,
        description: "why the last attempt failed; null after one that did not",
      }),
      pausedAt: t.expose("pausedAt", {
        type: "DateTime",
        nullable: true,
        description: "since when nothing is delivered there; null where it is",
      }),
      oldSecretUntil: t.expose("oldSecretUntil", {
        type: "DateTime",
        nullable: true,
        description:
          "until when the signing secret before the present one signs as well; null before the first rotation",
      }),
      waiting: t.exposeInt("waiting", { description: "signals that have still to be delivered" }),
    }),
  });

  const Reveal = builder.objectRef<Added>("SignalDestinationReveal").implement({
    description: "a destination with its new signing secret",
    fields: (t) => ({
      destination: t.field({
        type: Row,
        description: "the destination",
        resolve: ({ destination }) => destination,
      }),
      secret: t.exposeString("secret", {
        description: "what signatures are made with, in clear text; shown this once",
      }),
    }),
  });

  const Result = builder.objectRef<TestResult>("SignalDeliveryResult").implement({
    description: "what became of one delivery",
    fields: (t) => ({
      ok: t.exposeBoolean("ok", { description: "whether it was taken" }),
      status: t.exposeInt("status", {
        nullable: true,
        description: "the answer's HTTP status; null for none",
      }),
      error: t.exposeString("error", { nullable: true, description: "why it was not taken" }),
    }),
  });
  return { Format, Row, Reveal, Result };
}
