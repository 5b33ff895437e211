import type { AgentSettings } from "@flowstate/shared/wire/agent-policy";
import { readAgentSettings, setAgentSettings } from "../../policy/agent-settings.ts";
import { callerOf, changeBy, commit, type Builder } from "./builder.ts";

const view = "AI_GOVERNANCE_VIEW";
const admin = "AI_POLICY_ADMIN";

type Window = NonNullable<AgentSettings["maintenanceWindow"]>;

/** How every agent of the organisation behaves. */
export function addAgentSettings(builder: Builder): ChannelRef {
  const { CaptureMode, UpdatePolicy, Channel, Enforcement, Settings, WindowInput } = addTypes(builder);

  builder.queryFields((t) => ({
    agentSettings: t.field({
      type: Settings,
      description: "how agents behave",
      authScopes: { permission: view },
      resolve: (_, __, context) => readAgentSettings(context.store.reader, callerOf(context, view).orgId),
    }),
  }));

  builder.mutationFields((t) => ({
    setAgentSettings: t.field({
      type: Settings,
      description: "changes what is given and leaves the rest; agents take it up without a restart",
      authScopes: { permission: admin },
      args: {
        captureMode: t.arg({ type: CaptureMode, description: "what is captured" }),
        updatePolicy: t.arg({ type: UpdatePolicy, description: "what becomes of a newer version" }),
        updateChannel: t.arg({ type: Channel, description: "which versions count" }),
        maintenanceWindow: t.arg({ type: WindowInput, description: "null for any time" }),
        pinnedVersion: t.arg.string({ description: "the one version to run; null for the newest" }),
        upstreamProxy: t.arg.string({ description: "the organisation's own proxy; null for none" }),
        enforcement: t.arg({ type: Enforcement, description: "whether rules take effect" }),
      },
      resolve: (_, given, context) => {
        const change = changeBy(callerOf(context, admin), context);
        const { maintenanceWindow, pinnedVersion, upstreamProxy } = given;
        return commit(context, (db) =>
          setAgentSettings(db, change, {
            ...(given.captureMode == null ? {} : { captureMode: given.captureMode }),
            ...(given.updatePolicy == null ? {} : { updatePolicy: given.updatePolicy }),
            ...(given.updateChannel == null ? {} : { updateChannel: given.updateChannel }),
            ...(given.enforcement == null ? {} : { enforcement: given.enforcement }),
            ...(maintenanceWindow === undefined ? {} : { maintenanceWindow }),
            ...(pinnedVersion === undefined ? {} : { pinnedVersion }),
            ...(upstreamProxy === undefined ? {} : { upstreamProxy }),
          }),
        );
      },
    }),
  }));
  return Channel;
}

/** The channels of releases, for the fields of others. */
export type ChannelRef = ReturnType<typeof addTypes>["Channel"];

function addTypes(builder: Builder) {
  const CaptureMode = builder.enumType("AgentCaptureMode", {
    description: "what agents capture",
    values: {
      TELEMETRY: { value: "telemetry", description: "host, model, counts, status and duration" },
      ENTERPRISE: {
        value: "enterprise",
        description: "prompts and answers too, and counts of what conversations show",
      },
    } satisfies Values<"captureMode">,
  });
  const UpdatePolicy = builder.enumType("AgentUpdatePolicy", {
    description: "what becomes of a newer version",
    values: {
      AUTO: { value: "auto", description: "installed while the maintenance window is open" },
      NOTIFY_ONLY: { value: "notify_only", description: "shown in the agent's status" },
      MANUAL: { value: "manual", description: "shown, and told to the control plane" },
      DISABLED: { value: "disabled", description: "not looked for" },
    } satisfies Values<"updatePolicy">,
  });
  const Channel = builder.enumType("AgentUpdateChannel", {
    description: "which versions count",
    values: {
      STABLE: { value: "stable", description: "for production" },
      BETA: { value: "beta", description: "before their release" },
    } satisfies Values<"updateChannel">,
  });
  const Enforcement = builder.enumType("AgentEnforcement", {
    description: "whether the policy's rules take effect on devices",
    values: {
      OBSERVE: { value: "observe", description: "they are counted alone" },
      ENFORCE: { value: "enforce", description: "they warn and block as they say" },
    } satisfies Values<"enforcement">,
  });
  const MaintenanceWindow = builder.objectRef<Window>("AgentMaintenanceWindow").implement({
    description: "when updates may be installed, in UTC",
    fields: (t) => ({
      weekdays: t.intList({ description: "0 is Sunday", resolve: ({ weekdays }) => weekdays }),
      from: t.exposeString("from", { description: "such as 22:00" }),
      until: t.exposeString("until", { description: "on the next day where it is earlier than `from`" }),
    }),
  });
  const WindowInput = builder.inputType("AgentMaintenanceWindowInput", {
    description: "when updates may be installed, in UTC",
    fields: (t) => ({
      weekdays: t.intList({ required: true, description: "0 is Sunday" }),
      from: t.string({ required: true, description: "such as 22:00" }),
      until: t.string({ required: true, description: "on the next day where it is earlier than `from`" }),
    }),
  });
  const Settings = builder.objectRef<AgentSettings>("AgentSettings").implement({
    description: "how every agent of the organisation behaves",
    fields: (t) => ({
      captureMode: t.expose("captureMode", { type: CaptureMode, description: "what is captured" }),
      updatePolicy: t.expose("updatePolicy", {
        type: UpdatePolicy,
        description: "what becomes of a newer version",
      }),
      updateChannel: t.expose("updateChannel", { type: Channel, description: "which versions count" }),
      maintenanceWindow: t.expose("maintenanceWindow", {
        type: MaintenanceWindow,
        nullable: true,
        description: "when updates may be installed; null for any time",
      }),
      pinnedVersion: t.exposeString("pinnedVersion", {
        nullable: true,
        description: "the one version to run; null for the newest of the channel",
      }),
      upstreamProxy: t.exposeString("upstreamProxy", {
        nullable: true,
        description: "the organisation's own proxy on the way out; null for none",
      }),
      enforcement: t.expose("enforcement", {
        type: Enforcement,
        description: "whether the policy's rules take effect on devices",
      }),
    }),
  });
  return { CaptureMode, UpdatePolicy, Channel, Enforcement, Settings, WindowInput };
}

type Values<Name extends "captureMode" | "updatePolicy" | "updateChannel" | "enforcement"> = Record<
  string,
  { readonly value: AgentSettings[Name]; readonly description: string }
>;
