import { FlowstateError } from "@flowstate/shared/errors";
import { dayMs } from "@flowstate/shared/time";
import { isFormatDrifting, listFormats, type FormatUse } from "../../usage/format-counts.ts";
import { callerOf, type Builder } from "./builder.ts";

const view = "AI_INSIGHTS_VIEW";
const mostDays = 366;
const mostFormats = 1000;

/** How far devices understand what tools write and APIs answer, as they tell themselves. */
export function addCaptureFormats(builder: Builder): void {
  const values: Record<
    "SESSION_LOG" | "OTLP" | "INTERCEPT" | "RELAY",
    { value: FormatUse["capture"]; description: string }
  > = {
    SESSION_LOG: { value: "session-log", description: "the tool's own log" },
    OTLP: { value: "otlp", description: "the tool's OpenTelemetry" },
    INTERCEPT: { value: "intercept", description: "the provider's answer, read on the wire" },
    RELAY: { value: "relay", description: "the relay's own account" },
  };
  const Capture = builder.enumType("CaptureSource", { description: "how devices see calls", values });
  const Format = builder.objectRef<FormatUse>("CaptureFormat").implement({
    description: "how far devices understand what one version of a tool writes, or what an API answers",
    fields: (t) => ({
      capture: t.expose("capture", { type: Capture, description: "how it is seen" }),
      tool: t.exposeString("tool", {
        description: "the tool that writes it; of answers on the wire, the API",
      }),
      toolVersion: t.exposeString("toolVersion", {
        nullable: true,
        description: "null where the tool does not say, and of an API",
      }),
      host: t.exposeString("host", {
        nullable: true,
        description: "who answered; null of logs and telemetry",
      }),
      isUnderstood: t.boolean({
        description: "false where calls are missing: too many answers gave no usage",
        resolve: (format) => !isFormatDrifting(format),
      }),
      answers: t.expose("seen", { type: "BigInt", description: "what looks like an answer" }),
      answersWithoutUsage: t.expose("blank", {
        type: "BigInt",
        description: "those of them that gave no usage",
      }),
      devices: t.exposeInt("devices", { description: "devices that met it" }),
      devicesNotReading: t.exposeInt("driftingDevices", {
        description: "those of them that do not understand it any more",
      }),
      firstSeenAt: t.expose("firstAt", {
        type: "DateTime",
        description: "since when the devices' present agents count",
      }),
      lastSeenAt: t.expose("lastAt", { type: "DateTime", description: "when a device read it last" }),
    }),
  });

  builder.queryFields((t) => ({
    captureFormats: t.field({
      type: [Format],
      description:
        "what devices read, by tool and version or API and host, what is not understood any more first",
      authScopes: { permission: view },
      args: {
        days: t.arg.int({ defaultValue: 30, description: `met within so many days, 1 to ${mostDays}` }),
        limit: t.arg.int({ defaultValue: 200, description: `at most so many, up to ${mostFormats}` }),
      },
      resolve: (_, { days, limit }, context) => {
        const { orgId } = callerOf(context, view);
        const asked = days ?? 30;
        if (asked < 1 || asked > mostDays) {
          throw new FlowstateError("FS_INPUT_INVALID", `days takes 1 to ${mostDays}`);
        }
        const from = context.clock.now() - asked * dayMs;
        const most = Math.max(1, Math.min(limit ?? 200, mostFormats));
        return listFormats(context.store.reader, orgId, { from, limit: most });
      },
    }),
  }));
}
