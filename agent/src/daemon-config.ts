import { homedir } from "node:os";
import { loadConfig } from "@flowstate/shared/config/load";
import { option } from "@flowstate/shared/config/option";
import { FlowstateError } from "@flowstate/shared/errors";
import { parseKey } from "@flowstate/shared/keys";
import type { Secret } from "@flowstate/shared/secret";
import { parseSubject, type Subject } from "@flowstate/shared/subject";
import { readConfig, settings, type Config } from "./config.ts";
import type { CaptureLimits } from "./enterprise/capture-store.ts";
import type { WhenDown } from "./relay/pac.ts";
import { parseUpstream, type Upstream } from "./relay/upstream.ts";

/** Settings of the daemon besides. */
export const daemonSettings = {
  ...settings,
  key: option.secret({
    env: "FLOWSTATE_OTLP_KEY",
    describe: "The organisation's key (`fsk_…`), or one of the person's own.",
  }),
  user: option.text({ env: "FLOWSTATE_USER", describe: "The person's work e-mail." }),
  mode: option.text({
    env: "FLOWSTATE_MODE",
    fallback: "cloud-proxy",
    describe: "How calls leave the device; `cloud-proxy` is the one way there is.",
  }),
  controlPlane: option.httpUrl({
    env: "FLOWSTATE_CONTROL_PLANE",
    fallback: "http://127.0.0.1:7400",
    describe: "Where calls are reported to.",
  }),
  cloudProxy: option.httpUrl({
    env: "FLOWSTATE_CLOUD_PROXY",
    describe:
      "The organisation's proxy that the relay forwards to; unset, tunnels go straight to their targets.",
  }),
  cloudProxyCa: option.text({
    env: "FLOWSTATE_CLOUD_PROXY_CA",
    describe: "PEM file of the authority of the proxy's certificate, where the system does not know it.",
  }),
  upstream: option.secret({
    env: "FLOWSTATE_UPSTREAM_PROXY",
    describe:
      "The network's own proxy that everything leaves through, `http://` or `https://`, with `user:password@` where it asks; unset, as the organisation's settings say.",
  }),
  relayPort: option.port({
    env: "FLOWSTATE_RELAY_PORT",
    fallback: "7480",
    describe: "Loopback port of the relay.",
  }),
  otlpPort: option.port({
    env: "FLOWSTATE_OTLP_PORT",
    fallback: "4318",
    describe: "Loopback port on which tools' OpenTelemetry is received.",
  }),
  whenDown: option.text({
    env: "FLOWSTATE_WHEN_DOWN",
    fallback: "direct",
    describe: "What becomes of a tunnel while the cloud proxy cannot be reached: `direct` or `fail`.",
  }),
  relayUsers: option.text({
    env: "FLOWSTATE_RELAY_USERS",
    fallback: "own",
    describe:
      "Who may use the relay and send telemetry: `own`, the user who runs the agent, and root; or `all` users of the machine. Only Linux tells who a connection is of; elsewhere, and for an agent that runs as root, it is always `all`.",
  }),
  capture: option.text({
    env: "FLOWSTATE_CAPTURE",
    fallback: "session-logs,otlp,relay",
    describe:
      "What is on, separated by commas: `session-logs`, `otlp`, `relay`, `intercept` (which needs the relay), `fluency` (which judges conversations here and reports counts).",
  }),
  holdMs: option.milliseconds({
    env: "FLOWSTATE_HOLD_MS",
    fallback: "20000",
    describe: "How long a fresh call waits for what other captures know of it.",
  }),
  pollMs: option.milliseconds({
    env: "FLOWSTATE_POLL_MS",
    fallback: "5000",
    describe: "How often session logs are looked at.",
  }),
  fluencyQuietMs: option.milliseconds({
    env: "FLOWSTATE_FLUENCY_QUIET_MS",
    fallback: "600000",
    describe: "How long a conversation has to rest before it is judged.",
  }),
  ledgerDays: option.count({
    env: "FLOWSTATE_LEDGER_DAYS",
    fallback: "100",
    describe:
      "How many days a delivered call stays in the agent's ledger after the last news of it, at least 2. After that its names alone are remembered, so that no log can bring it back.",
  }),
  capturesDays: option.count({
    env: "FLOWSTATE_CAPTURES_DAYS",
    fallback: "7",
    describe:
      "Enterprise mode: how many days prompts and answers stay on the device. They never leave it, and none are kept unless the organisation's settings say so.",
  }),
  capturesMegabytes: option.count({
    env: "FLOWSTATE_CAPTURES_MB",
    fallback: "100",
    describe:
      "Enterprise mode: how many megabytes of prompts and answers are kept at most; the oldest go first.",
  }),
  logLevel: option.logLevel({
    env: "FLOWSTATE_LOG_LEVEL",
    fallback: "info",
    describe: "How much is logged to standard error.",
  }),
};

/** What an installation takes besides, and stores where only whoever installed it can change it. */
export const installSettings = {
  releaseKey: option.text({
    env: "FLOWSTATE_RELEASE_KEY",
    describe:
      "The public key (`fsr_…`) that newer versions have to be signed with; without it none is installed by the agent. Read by `flowstate install` alone.",
  }),
};

const captureNames = ["session-logs", "otlp", "relay", "intercept", "fluency"] as const;
export type CaptureName = (typeof captureNames)[number];

/** How the relay is reached, and what becomes of a tunnel while the cloud proxy is away. */
export interface RelayConfig {
  readonly relayPort: number;
  readonly whenDown: WhenDown;
}

/** The user who runs the agent, and root; or every user of the machine. */
export type RelayUsers = "own" | "all";

export interface DaemonConfig extends Config, RelayConfig {
  readonly key: Secret;
  readonly user: Subject;
  readonly controlPlane: URL;
  readonly cloudProxy: URL | null;
  readonly cloudProxyCa: string | null;
  readonly upstream: Upstream | null;
  readonly relayUsers: RelayUsers;
  readonly captures: ReadonlySet<CaptureName>;
  readonly otlpPort: number;
  /** How long a call stays whole in the ledger after the last news of it. */
  readonly ledgerDays: number;
  readonly timing: { readonly holdMs: number; readonly pollMs: number; readonly fluencyQuietMs: number };
  /** How much is kept in enterprise mode. */
  readonly captureLimits: CaptureLimits;
  readonly logLevel: string;
}

export function readRelayConfig(env: NodeJS.ProcessEnv): RelayConfig {
  const { relayPort, whenDown } = loadConfig(daemonSettings, env);
  if (whenDown !== "direct" && whenDown !== "fail") throw invalid("FLOWSTATE_WHEN_DOWN", "direct or fail");
  return { relayPort, whenDown };
}

/** Throws FS_CONFIG_INVALID for the first setting that is absent or wrong, by its name. */
export function readDaemonConfig(env: NodeJS.ProcessEnv, home = homedir()): DaemonConfig {
  const given = loadConfig(daemonSettings, env);
  const { key } = given;
  const parsed = parseKey(key?.reveal() ?? "");
  const usable = parsed.ok && ["org", "personal", "service_account"].includes(parsed.value.kind);
  if (key === null || !usable) throw invalid("FLOWSTATE_OTLP_KEY", "the organisation's key, fsk_…");
  const user = parseSubject(given.user ?? "");
  if (!user.ok) throw invalid("FLOWSTATE_USER", `the person's work e-mail; ${user.detail}`);
  if (given.mode !== "cloud-proxy") throw invalid("FLOWSTATE_MODE", "cloud-proxy");
  const upstream = given.upstream === null ? null : parseUpstream(given.upstream.reveal());
  if (upstream?.ok === false) throw invalid("FLOWSTATE_UPSTREAM_PROXY", upstream.detail);
  const names = given.capture.split(",").map((name) => name.trim());
  const captures = captureNames.filter((name) => names.includes(name));
  if (captures.length !== names.length)
    throw invalid("FLOWSTATE_CAPTURE", `a list of ${captureNames.join(", ")}`);
  const { controlPlane, cloudProxy, cloudProxyCa, otlpPort, logLevel } = given;
  const { ledgerDays, relayUsers } = given;
  if (relayUsers !== "own" && relayUsers !== "all") throw invalid("FLOWSTATE_RELAY_USERS", "own or all");
  if (ledgerDays < 2) throw invalid("FLOWSTATE_LEDGER_DAYS", "at least 2 days");
  const { holdMs, pollMs, fluencyQuietMs, capturesDays, capturesMegabytes } = given;
  return {
    ...readConfig(env, home),
    ...readRelayConfig(env),
    key,
    user: user.value,
    controlPlane,
    cloudProxy,
    cloudProxyCa,
    upstream: upstream?.value ?? null,
    relayUsers,
    captures: new Set(captures),
    otlpPort,
    ledgerDays,
    timing: { holdMs, pollMs, fluencyQuietMs },
    captureLimits: { retentionDays: capturesDays, maxBytes: capturesMegabytes * 1024 * 1024 },
    logLevel,
  };
}

function invalid(name: string, expected: string): FlowstateError {
  return new FlowstateError("FS_CONFIG_INVALID", `${name}: it takes ${expected}`);
}
