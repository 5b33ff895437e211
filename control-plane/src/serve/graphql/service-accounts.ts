import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { keyPrefixes } from "@flowstate/shared/keys";
import {
  createServiceAccount,
  deleteServiceAccount,
  rotateServiceAccountKey,
  updateServiceAccount,
} from "../../service-accounts/accounts.ts";
import { listServiceAccounts, type ServiceAccount } from "../../service-accounts/queries.ts";
import type { ServiceEnvironment } from "../../service-accounts/tables.ts";
import type { Reader } from "../../store/open.ts";
import { callerOf, changeBy, commit, type Builder } from "./builder.ts";

const view = "AI_GOVERNANCE_VIEW";
const update = "SETTINGS_INTEGRATIONS_UPDATE";

/** Programs that use AI under a key of their own. Returns the type of an account. */
export function addServiceAccounts(builder: Builder, Environment: EnvironmentType) {
  const { Account, Reveal } = addTypes(builder, Environment);

  builder.queryFields((t) => ({
    aiServiceAccounts: t.field({
      type: [Account],
      description: "service accounts by name, deleted ones last",
      authScopes: { permission: view },
      args: {
        includeDeleted: t.arg.boolean({ defaultValue: false, description: "those that are gone as well" }),
      },
      resolve: (_, { includeDeleted }, context) =>
        listServiceAccounts(context.store.reader, callerOf(context, view).orgId, {
          includeDeleted: includeDeleted ?? false,
        }),
    }),
  }));

  builder.mutationFields((t) => ({
    createServiceAccount: t.field({
      type: Reveal,
      description: "makes an account with a key of its own",
      authScopes: { permission: update },
      args: {
        name: t.arg.string({ required: true, description: "as people know it; no two accounts share one" }),
        environment: t.arg({ type: Environment, required: true, description: "where it runs" }),
        description: t.arg.string({ description: "what it is" }),
        intendedScope: t.arg.string({ description: "one sentence on what it may be used for" }),
        abuseDetection: t.arg.boolean({
          defaultValue: true,
          description: "whether signals of abuse are raised for it",
        }),
      },
      resolve: async (_, { name, environment, description, intendedScope, abuseDetection }, context) => {
        const change = changeBy(callerOf(context, update), context);
        const { key, accountId } = await commit(context, (db) =>
          createServiceAccount(db, change, {
            name,
            environment,
            description: description ?? null,
            intendedScope: intendedScope ?? null,
            abuseDetection: abuseDetection ?? true,
          }),
        );
        return { key, account: await readAccount(context.store.reader, change.orgId, accountId) };
      },
    }),
    updateServiceAccount: t.field({
      type: Account,
      description: "changes what is given and leaves the rest",
      authScopes: { permission: update },
      args: {
        id: t.arg.id({ required: true, description: "the account" }),
        name: t.arg.string({ description: "as people know it" }),
        environment: t.arg({ type: Environment, description: "where it runs" }),
        description: t.arg.string({ description: "what it is; null removes it" }),
        intendedScope: t.arg.string({ description: "what it may be used for; null removes it" }),
        abuseDetection: t.arg.boolean({ description: "whether signals of abuse are raised for it" }),
      },
      resolve: async (_, { id, name, environment, description, intendedScope, abuseDetection }, context) => {
        const change = changeBy(callerOf(context, update), context);
        await commit(context, (db) =>
          updateServiceAccount(db, change, id, {
            ...(name == null ? {} : { name }),
            ...(environment == null ? {} : { environment }),
            ...(description === undefined ? {} : { description }),
            ...(intendedScope === undefined ? {} : { intendedScope }),
            ...(abuseDetection == null ? {} : { abuseDetection }),
          }),
        );
        return readAccount(context.store.reader, change.orgId, id);
      },
    }),
    rotateServiceAccountKey: t.field({
      type: Reveal,
      description: "a new key; the one before is revoked in the same transaction",
      authScopes: { permission: update },
      args: { id: t.arg.id({ required: true, description: "the account" }) },
      resolve: async (_, { id }, context) => {
        const change = changeBy(callerOf(context, update), context);
        const { key } = await commit(context, (db) => rotateServiceAccountKey(db, change, id));
        return { key, account: await readAccount(context.store.reader, change.orgId, id) };
      },
    }),
    deleteServiceAccount: t.boolean({
      description:
        "revokes the account's key and hides it, what it did stays; false when there is none of that id",
      authScopes: { permission: update },
      args: { id: t.arg.id({ required: true, description: "the account" }) },
      resolve: (_, { id }, context) => {
        const change = changeBy(callerOf(context, update), context);
        return commit(context, (db) => deleteServiceAccount(db, change, id));
      },
    }),
  }));
  return Account;
}

export function addServiceEnvironment(builder: Builder) {
  return builder.enumType("ServiceEnvironment", {
    description: "where a program runs; it decides how grave a signal about it is",
    values: {
      PRODUCTION: { value: "production", description: "serves customers" },
      STAGING: { value: "staging", description: "a rehearsal of production" },
      DEVELOPMENT: { value: "development", description: "somebody is building it" },
    } satisfies Record<string, { value: ServiceEnvironment; description: string }>,
  });
}

type EnvironmentType = ReturnType<typeof addServiceEnvironment>;

function addTypes(builder: Builder, Environment: EnvironmentType) {
  const Account = builder.objectRef<ServiceAccount>("AiServiceAccount").implement({
    description: "a program that uses AI under a key of its own",
    fields: (t) => ({
      id: t.exposeID("accountId", { description: "identifier" }),
      name: t.exposeString("name", { description: "as people know it" }),
      environment: t.expose("environment", { type: Environment, description: "where it runs" }),
      description: t.exposeString("description", { nullable: true, description: "what it is" }),
      intendedScope: t.exposeString("intendedScope", {
        nullable: true,
        description: "one sentence on what it may be used for",
      }),
      abuseDetection: t.exposeBoolean("abuseDetection", {
        description: "whether signals of abuse are raised for it",
      }),
      keyPrefix: t.string({
        nullable: true,
        description: "the beginning of its key; null once the account is deleted",
        resolve: ({ keyId }) => (keyId === null ? null : `${keyPrefixes.service_account}_${keyId}`),
      }),
      subject: t.exposeString("subject", { description: "how its calls and its traffic are listed" }),
      firstSeenAt: t.expose("firstSeenAt", {
        type: "DateTime",
        nullable: true,
        description: "first call or proxied request; null for none",
      }),
      lastSeenAt: t.expose("lastSeenAt", {
        type: "DateTime",
        nullable: true,
        description: "last call or proxied request; null for none",
      }),
      createdAt: t.expose("createdAt", { type: "DateTime", description: "when it was made" }),
      createdBy: t.exposeString("createdBy", { description: "who made it" }),
      deletedAt: t.expose("deletedAt", {
        type: "DateTime",
        nullable: true,
        description: "when it was deleted; null while it is there",
      }),
    }),
  });

  const Reveal = builder
    .objectRef<{ readonly account: ServiceAccount; readonly key: string }>("AiServiceAccountReveal")
    .implement({
      description: "an account with a new key",
      fields: (t) => ({
        account: t.field({ type: Account, description: "the account", resolve: ({ account }) => account }),
        key: t.exposeString("key", { description: "clear text, shown this once" }),
      }),
    });
  return { Account, Reveal };
}

async function readAccount(db: Reader, orgId: OrgId, accountId: string): Promise<ServiceAccount> {
  const [account] = await listServiceAccounts(db, orgId, { accountId, includeDeleted: true });
  if (account === undefined) throw new FlowstateError("FS_NOT_FOUND", "this service account is gone");
  return account;
}
