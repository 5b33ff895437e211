import { FlowstateError } from "@flowstate/shared/errors";
import type { Principal } from "../../access/check.ts";
import { permissions, type Permission } from "../../access/permissions.ts";
import { createApiKey, revokeKey } from "../../keys/provision.ts";
import { listKeys, type KeyListing } from "../../keys/queries.ts";
import { callerOf, changeBy, commit, type Builder } from "./builder.ts";

/** Keys for programs that ask questions, and the permissions such keys and people have. */
export function addApiKeys(builder: Builder) {
  const PermissionName = builder.enumType("Permission", {
    description: "what a caller may do",
    values: Object.fromEntries(
      permissions.map((name) => [name, { description: permissionTexts[name] }]),
    ) as Record<Permission, { description: string }>,
  });

  const ApiKey = builder.objectRef<KeyListing>("ApiKey").implement({
    description: "a key for GraphQL and REST; its clear text was shown once",
    fields: (t) => ({
      keyId: t.exposeString("keyId", { description: "the part that may be shown" }),
      name: t.exposeString("name", { nullable: true, description: "what it is for" }),
      permissions: t.field({
        type: [PermissionName],
        description: "what its holder may do",
        resolve: (key) => key.permissions as readonly Permission[],
      }),
      createdAt: t.expose("createdAt", { type: "DateTime", description: "when it was made" }),
      createdBy: t.exposeString("createdBy", { description: "who made it" }),
      expiresAt: t.expose("expiresAt", {
        type: "DateTime",
        nullable: true,
        description: "when it stops working; null for never",
      }),
      revokedAt: t.expose("revokedAt", {
        type: "DateTime",
        nullable: true,
        description: "when it was revoked; null while it works",
      }),
      lastUsedAt: t.expose("lastUsedAt", {
        type: "DateTime",
        nullable: true,
        description: "last use, to the minute; null for never",
      }),
    }),
  });

  const Reveal = builder
    .objectRef<{ key: string; keyId: string; permissions: readonly Permission[] }>("ApiKeyReveal")
    .implement({
      description: "a new API key",
      fields: (t) => ({
        key: t.exposeString("key", { description: "clear text, shown this once" }),
        keyId: t.exposeString("keyId", { description: "the part that is shown from now on" }),
        permissions: t.field({
          type: [PermissionName],
          description: "what its holder may do",
          resolve: (reveal) => reveal.permissions,
        }),
      }),
    });

  builder.queryFields((t) => ({
    apiKeys: t.field({
      type: [ApiKey],
      description: "API keys, the newest first, revoked ones included",
      authScopes: { permission: "SETTINGS_API_KEYS_CREATE" },
      resolve: (_, __, context) =>
        listKeys(context.store.reader, callerOf(context, "SETTINGS_API_KEYS_CREATE").orgId, "api"),
    }),
  }));

  builder.mutationFields((t) => ({
    createApiKey: t.field({
      type: Reveal,
      description: "makes an API key with at most the permissions of its maker",
      authScopes: { permission: "SETTINGS_API_KEYS_CREATE" },
      args: {
        name: t.arg.string({ required: true, description: "what it is for" }),
        permissions: t.arg({
          type: [PermissionName],
          required: true,
          description: "what its holder may do, one or more",
        }),
        expiresAt: t.arg({ type: "DateTime", description: "when it stops working; left out: never" }),
      },
      resolve: async (_, { name, permissions: asked, expiresAt }, context) => {
        const caller = callerOf(context, "SETTINGS_API_KEYS_CREATE");
        const granted = permissions.filter((permission) => asked.includes(permission));
        if (granted.length === 0)
          throw new FlowstateError("FS_INPUT_INVALID", "permissions: name one or more");
        refuseMoreThanOwn(caller, granted);
        const request = { name, permissions: granted, expiresAt: expiresAt ?? null };
        const reveal = await commit(context, (db) => createApiKey(db, changeBy(caller, context), request));
        return { ...reveal, permissions: granted };
      },
    }),
    revokeApiKey: t.boolean({
      description: "revokes an API key; false when there is no active one with that id",
      authScopes: { permission: "SETTINGS_API_KEYS_CREATE" },
      args: { keyId: t.arg.string({ required: true, description: "the key's id" }) },
      resolve: (_, { keyId }, context) => {
        const caller = callerOf(context, "SETTINGS_API_KEYS_CREATE");
        return commit(context, (db) => revokeKey(db, changeBy(caller, context), keyId, ["api"]));
      },
    }),
  }));

  return PermissionName;
}

/** Nobody can give away more than they have. */
export function refuseMoreThanOwn(caller: Principal, wanted: readonly Permission[]): void {
  const missing = wanted.find((permission) => !caller.permissions.has(permission));
  if (missing === undefined) return;
  throw new FlowstateError("FS_FORBIDDEN", `this would grant ${missing}, which you do not have yourself`, {
    details: { permission: missing },
  });
}

const permissionTexts: Readonly<Record<Permission, string>> = {
  SETTINGS_INTEGRATIONS_UPDATE: "change the cloud proxy, quotas and usage providers",
  SETTINGS_INTEGRATIONS_VIEW: "see the cloud proxy and usage providers",
  AI_INSIGHTS_VIEW: "see usage, cost and forecasts",
  AI_GOVERNANCE_VIEW: "see the inventory, signals and policy",
  AI_POLICY_ADMIN: "change and activate policy",
  AI_RECONCILIATION_UPDATE: "act on the reconciliation queue",
  SETTINGS_API_KEYS_CREATE: "make and revoke API keys",
  DIRECTORY_UPDATE: "change people, teams and projects",
  AUDIT_VIEW: "see the audit log and metrics",
  MEMBERS_UPDATE: "invite and remove members and set their roles",
};
