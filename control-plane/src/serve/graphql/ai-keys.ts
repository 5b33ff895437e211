import { FlowstateError } from "@flowstate/shared/errors";
import { keyPrefixes } from "@flowstate/shared/keys";
import type { Principal } from "../../access/check.ts";
import { decideAiKey, requestAiKey, revealAiKey, revokeAiKey } from "../../self-service/keys.ts";
import { addressOf, ownAddress } from "../../self-service/person.ts";
import { listAiKeys, type AiKey } from "../../self-service/queries.ts";
import { listTools, setToolApproval, type AiKeyTool } from "../../self-service/tools.ts";
import type { AiKeyState } from "../../self-service/tables.ts";
import { callerOf, changeBy, commit, personOf, type Builder, type GraphqlContext } from "./builder.ts";
import type { addServiceEnvironment } from "./service-accounts.ts";

const decide = "SETTINGS_API_KEYS_CREATE";
const mostRequests = 1000;

type EnvironmentType = ReturnType<typeof addServiceEnvironment>;

/** Keys that people ask for themselves, and what admins say to it. */
export function addAiKeys(builder: Builder, Environment: EnvironmentType): void {
  const { Key, Tool, Reveal, State } = addTypes(builder, Environment);

  builder.queryFields((t) => ({
    myAiKeys: t.field({
      type: [Key],
      description: "the caller's own keys and requests, the newest first",
      authScopes: { person: true },
      resolve: async (_, __, context) => {
        const { caller, subject } = await own(context);
        return [...(await listAiKeys(context.store.reader, caller.orgId, { subject }))];
      },
    }),
    aiKeyTools: t.field({
      type: [Tool],
      description: "tools for which one can ask for a key",
      authScopes: { person: true },
      resolve: async (_, __, context) => [
        ...(await listTools(context.store.reader, personOf(context).orgId)),
      ],
    }),
    aiKeyRequests: t.field({
      type: [Key],
      description: "keys and requests of everybody, the newest first",
      authScopes: { permission: decide },
      args: {
        states: t.arg({ type: [State], description: "these alone; those that wait where left out" }),
        limit: t.arg.int({ defaultValue: 100, description: `how many, from 1 to ${mostRequests}` }),
      },
      resolve: async (_, { states, limit }, context) => {
        const most = limit ?? 100;
        if (most < 1 || most > mostRequests)
          throw new FlowstateError("FS_INPUT_INVALID", `limit: expected 1 to ${mostRequests}`);
        const wanted = { states: states ?? (["PENDING"] as const), limit: most };
        return [...(await listAiKeys(context.store.reader, callerOf(context, decide).orgId, wanted))];
      },
    }),
  }));

  const id = "the key or request";
  builder.mutationFields((t) => ({
    requestAiKey: t.field({
      type: Key,
      description:
        "asks for a key; it waits for approval in production where the tool takes it, else it may be revealed at once",
      authScopes: { person: true },
      args: {
        tool: t.arg.id({ required: true, description: "of `aiKeyTools`" }),
        environment: t.arg({ type: Environment, required: true, description: "where it will be used" }),
        purpose: t.arg.string({
          required: true,
          description: "one line on what for; kept in the audit log",
        }),
      },
      resolve: async (_, { tool, environment, purpose }, context) => {
        const { caller, subject } = await own(context);
        const change = changeBy(caller, context);
        const requestId = await commit(context, (db) =>
          requestAiKey(db, change, { subject, tool, environment, purpose }),
        );
        return readKey(context, caller, requestId);
      },
    }),
    revealAiKey: t.field({
      type: Reveal,
      description: "makes the caller's key, once: it is stored nowhere and cannot be shown again",
      authScopes: { person: true },
      args: { id: t.arg.id({ required: true, description: id }) },
      resolve: async (_, given, context) => {
        const { caller, subject } = await own(context);
        const change = changeBy(caller, context);
        const { key } = await commit(context, (db) => revealAiKey(db, change, subject, given.id));
        return { key, aiKey: await readKey(context, caller, given.id) };
      },
    }),
    revokeMyAiKey: t.field({
      type: Key,
      description: "revokes a key of the caller's own, or takes a request back",
      authScopes: { person: true },
      args: { id: t.arg.id({ required: true, description: id }) },
      resolve: async (_, given, context) => {
        const { caller, subject } = await own(context);
        const change = changeBy(caller, context);
        await commit(context, (db) => revokeAiKey(db, change, given.id, subject));
        return readKey(context, caller, given.id);
      },
    }),
    approveAiKey: t.field({
      type: Key,
      description: "agrees to a request of somebody else",
      authScopes: { permission: decide },
      args: { id: t.arg.id({ required: true, description: id }) },
      resolve: async (_, given, context) => {
        const caller = callerOf(context, decide);
        const decider = await addressOf(context.store.reader, caller);
        const change = changeBy(caller, context);
        await commit(context, (db) => decideAiKey(db, change, given.id, { decider, approve: true }));
        return readKey(context, caller, given.id);
      },
    }),
    refuseAiKey: t.field({
      type: Key,
      description: "refuses a request of somebody else",
      authScopes: { permission: decide },
      args: {
        id: t.arg.id({ required: true, description: id }),
        reason: t.arg.string({ required: true, description: "why; the person reads it" }),
      },
      resolve: async (_, { id: requestId, reason }, context) => {
        const caller = callerOf(context, decide);
        const decider = await addressOf(context.store.reader, caller);
        const change = changeBy(caller, context);
        await commit(context, (db) =>
          decideAiKey(db, change, requestId, { decider, approve: false, reason }),
        );
        return readKey(context, caller, requestId);
      },
    }),
    revokeAiKey: t.field({
      type: Key,
      description: "revokes anybody's key or request",
      authScopes: { permission: decide },
      args: { id: t.arg.id({ required: true, description: id }) },
      resolve: async (_, given, context) => {
        const caller = callerOf(context, decide);
        const change = changeBy(caller, context);
        await commit(context, (db) => revokeAiKey(db, change, given.id, null));
        return readKey(context, caller, given.id);
      },
    }),
    setAiKeyApproval: t.field({
      type: Tool,
      description: "says whether keys of a tool take approval in production",
      authScopes: { permission: decide },
      args: {
        tool: t.arg.id({ required: true, description: "of `aiKeyTools`" }),
        requiresApproval: t.arg.boolean({ required: true, description: "whether they do" }),
      },
      resolve: (_, { tool, requiresApproval }, context) => {
        const change = changeBy(callerOf(context, decide), context);
        return commit(context, (db) => setToolApproval(db, change, tool, requiresApproval));
      },
    }),
  }));
}

function addTypes(builder: Builder, Environment: EnvironmentType) {
  const State = builder.enumType("AiKeyState", {
    description: "what became of a wish for a key",
    values: {
      PENDING: { description: "waits for somebody to decide" },
      APPROVED: { description: "may be revealed, once" },
      ACTIVE: { description: "revealed, and accepted by proxies and by this control plane" },
      REJECTED: { description: "refused for a reason" },
      REVOKED: { description: "revoked, or taken back" },
    } satisfies Record<AiKeyState, { description: string }>,
  });
  const Tool = builder.objectRef<AiKeyTool>("AiKeyTool").implement({
    description: "a tool for which one can ask for a key",
    fields: (t) => ({
      id: t.exposeID("tool", { description: "as the catalogue has it" }),
      name: t.exposeString("name", { description: "as people know it" }),
      requiresApproval: t.exposeBoolean("requiresApproval", {
        description: "whether somebody else has to agree to a key for production",
      }),
    }),
  });
  const Key = builder.objectRef<AiKey>("AiKey").implement({
    description: "a person's own key for a tool, or the wish for one; every call under it is that person's",
    fields: (t) => ({
      id: t.exposeID("requestId", { description: "identifier" }),
      subject: t.exposeString("subject", { description: "whose it is" }),
      tool: t.exposeID("tool", { description: "as the catalogue has it" }),
      toolName: t.exposeString("toolName", { description: "as people know it" }),
      environment: t.expose("environment", { type: Environment, description: "where it is used" }),
      purpose: t.exposeString("purpose", { description: "what for" }),
      state: t.expose("state", { type: State, description: "what became of it" }),
      keyPrefix: t.string({
        nullable: true,
        description: "the beginning of the key; null until it is revealed",
        resolve: ({ keyId }) => (keyId === null ? null : `${keyPrefixes.personal}_${keyId}`),
      }),
      requestedAt: t.expose("requestedAt", { type: "DateTime", description: "when it was asked for" }),
      decidedAt: t.expose("decidedAt", {
        type: "DateTime",
        nullable: true,
        description: "when somebody agreed or refused; null where nobody had to or has yet",
      }),
      decidedBy: t.exposeString("decidedBy", { nullable: true, description: "who did" }),
      reason: t.exposeString("reason", { nullable: true, description: "why it was refused" }),
      createdAt: t.expose("createdAt", {
        type: "DateTime",
        nullable: true,
        description: "when the key was revealed; null until then",
      }),
      lastUsedAt: t.expose("lastUsedAt", {
        type: "DateTime",
        nullable: true,
        description: "when a device last reported with it; what passes a proxy is counted by person",
      }),
    }),
  });
  const Reveal = builder.objectRef<{ readonly key: string; readonly aiKey: AiKey }>("AiKeyReveal").implement({
    description: "a new key",
    fields: (t) => ({
      aiKey: t.field({ type: Key, description: "what it is", resolve: ({ aiKey }) => aiKey }),
      key: t.exposeString("key", { description: "clear text, shown this once" }),
    }),
  });
  return { Key, Tool, Reveal, State };
}

async function own(
  context: GraphqlContext,
): Promise<{ readonly caller: Principal; readonly subject: string }> {
  const caller = personOf(context);
  return { caller, subject: await ownAddress(context.store.reader, caller.orgId, caller.email) };
}

async function readKey({ store }: GraphqlContext, { orgId }: Principal, requestId: string): Promise<AiKey> {
  const [key] = await listAiKeys(store.reader, orgId, { requestId });
  if (key === undefined) throw new FlowstateError("FS_NOT_FOUND", "this key is gone");
  return key;
}
