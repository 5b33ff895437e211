import { FlowstateError } from "@flowstate/shared/errors";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { listAgents, type AgentOnDevice } from "../../releases/agents.ts";
import type { ChannelRef } from "./agent-settings.ts";
import { callerOf, type Builder } from "./builder.ts";

const view = "AI_GOVERNANCE_VIEW";
const mostAgents = 1000;

/** Which agent each device runs, and which releases it is offered. */
export function addAgents(builder: Builder, Channel: ChannelRef): void {
  const Agent = builder.objectRef<AgentOnDevice>("AgentOnDevice").implement({
    description: "one device and the agent on it",
    fields: (t) => ({
      device: t.exposeString("source", { description: "the device's own identifier" }),
      subject: t.exposeString("subject", { description: "e-mail, or service account" }),
      version: t.exposeString("version", { description: "the version that runs" }),
      platform: t.exposeString("platform", { description: "system and processor, such as linux-x64" }),
      updateAvailable: t.exposeString("updateAvailable", {
        nullable: true,
        description:
          "the version that the settings would have there, told where the update policy is MANUAL; null where it runs",
      }),
      toldAt: t.expose("toldAt", { type: "DateTime", description: "when the device said so" }),
      lastReportedAt: t.expose("lastReportedAt", {
        type: "DateTime",
        description: "when the device last reported anything",
      }),
    }),
  });
  const Release = builder.objectRef<OfferedRelease>("AgentRelease").implement({
    description: "a release of the agent that devices are offered",
    fields: (t) => ({
      version: t.exposeString("version", { description: "its version" }),
      platform: t.exposeString("platform", { description: "system and processor, such as linux-x64" }),
      channel: t.expose("channel", { type: Channel, description: "where it counts" }),
      sizeBytes: t.exposeInt("size", { description: "of the program" }),
      sha256: t.exposeString("sha256", { description: "of the program, hexadecimal" }),
      releasedAt: t.field({
        type: "DateTime",
        description: "when it was packaged",
        resolve: ({ releasedAt }) => Date.parse(releasedAt),
      }),
      signedWith: t.string({
        nullable: true,
        description:
          "the release key that it names; null where it is not signed, and so not installed by agents",
        resolve: ({ signature }) => signature?.key ?? null,
      }),
    }),
  });

  builder.queryFields((t) => ({
    agents: t.field({
      type: [Agent],
      description: "the agents on devices, those with a newer version at hand first, then by person",
      authScopes: { permission: view },
      args: { limit: t.arg.int({ defaultValue: 200, description: `at most so many, 1 to ${mostAgents}` }) },
      resolve: (_, { limit }, context) => {
        const asked = limit ?? 200;
        if (asked < 1 || asked > mostAgents) {
          throw new FlowstateError("FS_INPUT_INVALID", `limit takes 1 to ${mostAgents}`);
        }
        return listAgents(context.store.reader, callerOf(context, view).orgId, asked);
      },
    }),
    agentReleases: t.field({
      type: [Release],
      description:
        "releases of the agent that devices are offered, the newest first; `flowstate-control releases` changes them",
      authScopes: { permission: view },
      resolve: (_, __, context) => context.shelf.list(),
    }),
  }));
}
