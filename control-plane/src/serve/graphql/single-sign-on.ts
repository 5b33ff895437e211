import { Secret } from "@flowstate/shared/secret";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Role } from "../../access/roles.ts";
import { setOidc } from "../../login/oidc/change.ts";
import { redirectUriOf } from "../../login/oidc/redirect-uri.ts";
import {
  readOidcSettings,
  removeOidcSettings,
  type GivenRole,
  type GroupRole,
  type StoredOidcSettings,
} from "../../login/oidc/settings.ts";
import { callerOf, changeBy, commit, type Builder } from "./builder.ts";
import type { addMembers } from "./members.ts";

const permission = "MEMBERS_UPDATE";

/** The identity provider at which the organisation signs in. */
export function addSingleSignOn(builder: Builder, RoleName: ReturnType<typeof addMembers>): void {
  const GroupRoleType = builder.objectRef<GroupRole>("OidcGroupRole").implement({
    description: "the role that a group of the identity provider gives",
    fields: (t) => ({
      group: t.exposeString("group", { description: "as the claim names it" }),
      role: t.field({ type: RoleName, description: "what its people may do", resolve: ({ role }) => role }),
    }),
  });

  const Settings = builder.objectRef<StoredOidcSettings>("OidcSettings").implement({
    description: "the identity provider (OpenID Connect) at which the organisation signs in",
    fields: (t) => ({
      issuer: t.exposeString("issuer", { description: "issuer identifier" }),
      clientId: t.exposeString("clientId", { description: "as which we are registered there" }),
      redirectUri: t.string({
        description: "what is registered there as redirect URI",
        resolve: (_, __, { publicUrl }) => redirectUriOf(publicUrl()),
      }),
      emailDomains: t.exposeStringList("emailDomains", {
        description: "domains whose verified e-mail addresses may sign in",
      }),
      defaultRole: t.field({
        type: RoleName,
        nullable: true,
        description: "of people whom no group gives a role; null: they are refused",
        resolve: ({ defaultRole }) => defaultRole,
      }),
      groupClaim: t.exposeString("groupClaim", {
        nullable: true,
        description: "the claim that names a person's groups; null: groups give no role",
      }),
      groupRoles: t.field({
        type: [GroupRoleType],
        description: "the roles that groups give at each sign-in; the highest of several counts",
        resolve: ({ groupRoles }) => groupRoles,
      }),
      onlyOidc: t.exposeBoolean("onlyOidc", {
        description: "whether everybody but owners signs in there alone",
      }),
      updatedAt: t.expose("updatedAt", { type: "DateTime", description: "when this was set" }),
    }),
  });

  const GroupRoleInput = builder.inputType("OidcGroupRoleInput", {
    description: "the role that a group of the identity provider gives",
    fields: (t) => ({
      group: t.string({ required: true, description: "as the claim names it" }),
      role: t.field({ type: RoleName, required: true, description: "any but OWNER" }),
    }),
  });

  builder.queryFields((t) => ({
    oidcSettings: t.field({
      type: Settings,
      nullable: true,
      description: "the identity provider at which the organisation signs in; null for none",
      authScopes: { permission },
      resolve: (_, __, context) =>
        readOidcSettings(context.store.reader, callerOf(context, permission).orgId),
    }),
  }));

  builder.mutationFields((t) => ({
    setOidcSettings: t.field({
      type: Settings,
      description:
        "sets the identity provider in the place of the one before, once its metadata could be read",
      authScopes: { permission },
      args: {
        issuer: t.arg.string({ required: true, description: "issuer identifier, an https:// address" }),
        clientId: t.arg.string({ required: true, description: "as which we are registered there" }),
        clientSecret: t.arg.string({
          description: "as the provider gave it out; without it the one before stays, for the same issuer",
        }),
        emailDomains: t.arg.stringList({
          required: true,
          description: "domains whose verified e-mail addresses may sign in",
        }),
        defaultRole: t.arg({
          type: RoleName,
          description: "of people whom no group gives a role; null refuses them",
        }),
        groupClaim: t.arg.string({ description: "the claim that names a person's groups" }),
        groupRoles: t.arg({ type: [GroupRoleInput], description: "the roles that groups give" }),
        onlyOidc: t.arg.boolean({
          defaultValue: false,
          description: "whether everybody but owners signs in there alone; signs the others out now",
        }),
      },
      resolve: async (_, args, context) => {
        const change = changeBy(callerOf(context, permission), context);
        const given = {
          issuer: args.issuer,
          clientId: args.clientId,
          emailDomains: args.emailDomains,
          defaultRole: args.defaultRole == null ? null : givenRole(args.defaultRole),
          groupClaim: args.groupClaim ?? null,
          groupRoles: (args.groupRoles ?? []).map(({ group, role }) => ({ group, role: givenRole(role) })),
          onlyOidc: args.onlyOidc ?? false,
        };
        const secret = args.clientSecret == null ? null : new Secret(args.clientSecret);
        const { store, oidc, syncing } = context;
        return setOidc({ store, oidc, master: syncing.master }, change, given, secret);
      },
    }),
    removeOidcSettings: t.boolean({
      description: "removes the identity provider; false where there was none",
      authScopes: { permission },
      resolve: (_, __, context) => {
        const change = changeBy(callerOf(context, permission), context);
        return commit(context, (db) => removeOidcSettings(db, change));
      },
    }),
  }));
}

function givenRole(role: Role): GivenRole {
  if (role !== "owner") return role;
  throw new FlowstateError("FS_INPUT_INVALID", "an identity provider makes nobody an owner; an owner does");
}
