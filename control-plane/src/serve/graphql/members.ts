import { permissions } from "../../access/permissions.ts";
import { roleNames, roles, type Role } from "../../access/roles.ts";
import { inviteMember, signInLink } from "../../login/invite.ts";
import { changeRole, listMembers, removeMember, requireMember, type Member } from "../../members/members.ts";
import { refuseMoreThanOwn, type addApiKeys } from "./api-keys.ts";
import { callerOf, changeBy, commit, type Builder, type GraphqlContext } from "./builder.ts";

/** People who may sign in, and who is signed in now. */
export function addMembers(builder: Builder, PermissionName: PermissionRef) {
  const RoleName = builder.enumType("Role", {
    description: "a named set of permissions",
    values: Object.fromEntries(
      roleNames.map((role) => [role.toUpperCase(), { value: role, description: roleTexts[role] }]),
    ) as Record<string, { value: Role; description: string }>,
  });

  const MemberType = builder.objectRef<Member>("Member").implement({
    description: "somebody who may sign in",
    fields: (t) => ({
      id: t.exposeID("memberId", { description: "identifier" }),
      email: t.exposeString("email", { description: "work e-mail in canonical form" }),
      role: t.field({ type: RoleName, description: "what they may do", resolve: ({ role }) => role }),
      hasPassword: t.exposeBoolean("hasPassword", { description: "whether they have set a password" }),
      createdAt: t.expose("createdAt", { type: "DateTime", description: "when they were invited" }),
    }),
  });

  const Invitation = builder.objectRef<{ member: Member; signInLink: string }>("MemberInvitation").implement({
    description: "a member's way in",
    fields: (t) => ({
      member: t.field({ type: MemberType, description: "who is invited", resolve: ({ member }) => member }),
      signInLink: t.exposeString("signInLink", {
        description: "works once, for 24 hours; shown this once",
      }),
    }),
  });

  const Viewer = builder.objectRef<GraphqlContext>("Viewer").implement({
    description: "who is asking",
    fields: (t) => ({
      email: t.string({
        nullable: true,
        description: "of the member; null for an API key",
        resolve: (_, __, { principal }) => (principal?.kind === "member" ? principal.email : null),
      }),
      keyId: t.string({
        nullable: true,
        description: "of the API key; null for a member",
        resolve: (_, __, { principal }) => (principal?.kind === "api_key" ? principal.keyId : null),
      }),
      role: t.field({
        type: RoleName,
        nullable: true,
        description: "of the member; null for an API key",
        resolve: (_, __, { principal }) => (principal?.kind === "member" ? principal.role : null),
      }),
      permissions: t.field({
        type: [PermissionName],
        description: "what they may do",
        resolve: (_, __, { principal }) =>
          permissions.filter((permission) => principal?.permissions.has(permission) ?? false),
      }),
      organizationId: t.id({
        description: "the organisation that all answers are about",
        resolve: (_, __, { principal }) => principal?.orgId ?? "",
      }),
    }),
  });

  builder.queryFields((t) => ({
    viewer: t.field({
      type: Viewer,
      description: "who is asking",
      authScopes: { signedIn: true },
      resolve: (_, __, context) => context,
    }),
    members: t.field({
      type: [MemberType],
      description: "everybody who may sign in",
      authScopes: { permission: "MEMBERS_UPDATE" },
      resolve: (_, __, context) =>
        listMembers(context.store.reader, callerOf(context, "MEMBERS_UPDATE").orgId),
    }),
  }));

  builder.mutationFields((t) => ({
    inviteMember: t.field({
      type: Invitation,
      description: "makes a member, or a new sign-in link for one who is there already with this role",
      authScopes: { permission: "MEMBERS_UPDATE" },
      args: {
        email: t.arg.string({ required: true, description: "work e-mail" }),
        role: t.arg({ type: RoleName, required: true, description: "what they may do" }),
      },
      resolve: (_, { email, role }, context) => {
        const caller = callerOf(context, "MEMBERS_UPDATE");
        refuseMoreThanOwn(caller, roles[role]);
        const change = changeBy(caller, context);
        return commit(context, async (db) => {
          const { member, link } = await inviteMember(db, change, { email, role });
          return { member, signInLink: signInLink(context.publicUrl(), link) };
        });
      },
    }),
    setMemberRole: t.field({
      type: MemberType,
      description: "gives another role; the last owner stays an owner",
      authScopes: { permission: "MEMBERS_UPDATE" },
      args: {
        id: t.arg.id({ required: true, description: "the member" }),
        role: t.arg({ type: RoleName, required: true, description: "what they may do from now on" }),
      },
      resolve: (_, { id, role }, context) => {
        const caller = callerOf(context, "MEMBERS_UPDATE");
        const change = changeBy(caller, context);
        return commit(context, async (db) => {
          const { role: before } = await requireMember(db, caller.orgId, id);
          refuseMoreThanOwn(caller, [...roles[role], ...roles[before]]);
          return changeRole(db, change, id, role);
        });
      },
    }),
    removeMember: t.boolean({
      description: "removes a member and signs them out everywhere; the last owner stays",
      authScopes: { permission: "MEMBERS_UPDATE" },
      args: { id: t.arg.id({ required: true, description: "the member" }) },
      resolve: async (_, { id }, context) => {
        const caller = callerOf(context, "MEMBERS_UPDATE");
        const change = changeBy(caller, context);
        await commit(context, async (db) => {
          const { role } = await requireMember(db, caller.orgId, id);
          refuseMoreThanOwn(caller, roles[role]);
          await removeMember(db, change, id);
        });
        return true;
      },
    }),
  }));
  return RoleName;
}

type PermissionRef = ReturnType<typeof addApiKeys>;

const roleTexts: Readonly<Record<Role, string>> = {
  owner: "may do everything",
  admin: "may do everything but change members",
  finance: "sees usage and cost, and reconciles",
  viewer: "sees usage and cost",
};
