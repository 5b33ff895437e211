import { FlowstateError } from "@flowstate/shared/errors";
import type { DaemonConfig } from "../daemon-config.ts";
import { telemetryTools } from "../machine/tool-telemetry.ts";
import type { Installation, Platform } from "./plan.ts";

/** What decides whether and how a person's tools are told of the agent. */
export interface ToolQuestion {
  readonly config: DaemonConfig;
  readonly platform: Platform;
  readonly env: NodeJS.ProcessEnv;
  /** The relay's port of an earlier installation; null where there was none. */
  readonly earlierPort: number | null;
  /** Whether a file or folder is in the person's home folder. */
  readonly has: (file: string) => boolean;
}

/** Tools are led to the relay where it has something to do, and told to report where they can. */
export function toolsFor(question: ToolQuestion): Pick<Installation, "otherProxy" | "tools" | "telemetry"> {
  const { config, platform, env, earlierPort, has } = question;
  const { captures, cloudProxy, controlPlane, upstream, relayPort, otlpPort } = config;
  const useful = captures.has("relay") && (captures.has("intercept") || cloudProxy !== null);
  const used = captures.has("otlp") ? telemetryTools.filter(has) : [];
  if (useful) requirePort("FLOWSTATE_RELAY_PORT", relayPort);
  if (used.length > 0) requirePort("FLOWSTATE_OTLP_PORT", otlpPort);
  // A relay that knows the network's proxy may stand before it.
  const otherProxy = upstream === null ? proxyOf(env, [relayPort, earlierPort ?? relayPort]) : null;
  return {
    otherProxy,
    tools:
      useful && otherProxy === null
        ? { relayPort, direct: [controlPlane.hostname], profiles: profilesIn(platform, has) }
        : null,
    telemetry: used.length > 0 ? { address: `http://127.0.0.1:${otlpPort}`, tools: used } : null,
  };
}

/** What tools are told where they are to be left alone. */
export const noTools: ReturnType<typeof toolsFor> = { otherProxy: null, tools: null, telemetry: null };

function requirePort(name: string, port: number): void {
  if (port === 0)
    throw new FlowstateError("FS_CONFIG_INVALID", `${name}: tools have to know it, so it must not be 0`);
}

/** A login shell of bash reads the first of three files and no other; zsh has its own, where somebody uses it. */
function profilesIn(platform: Platform, has: (file: string) => boolean): readonly string[] {
  const login = [".bash_profile", ".bash_login"].find(has) ?? ".profile";
  const zsh = platform === "darwin" || [".zshenv", ".zshrc", ".zprofile"].some(has);
  return zsh ? [login, ".zshenv"] : [login];
}

/** Where the environment leads already, if that is not the relay: a network may let nobody out by another way. */
function proxyOf(env: NodeJS.ProcessEnv, relayPorts: readonly number[]): string | null {
  const given = env["HTTPS_PROXY"] || env["https_proxy"] || "";
  if (given === "") return null;
  const host = URL.canParse(given) ? new URL(given).host : "an address that is none";
  return relayPorts.some((port) => host === `127.0.0.1:${port}`) ? null : host;
}
