import { describeError } from "@flowstate/shared/cli";
import { finding, type Finding } from "@flowstate/shared/findings";
import { readDaemonConfig, type DaemonConfig } from "../daemon-config.ts";
import { parsePlatform } from "../install/options.ts";
import { readRecord, recordFile } from "../install/record.ts";
import { describeAlarm } from "../ledger/formats.ts";
import { askStatus } from "../local/socket.ts";
import type { DaemonStatus } from "../local/status.ts";
import type { SettingsSource } from "../machine/managed-settings.ts";
import { leadOwnRequests } from "../relay/own-requests.ts";
import { renderUpdate } from "../update/render.ts";
import { version } from "../version.ts";
import { findFolder, findLogs, findShell } from "./device.ts";
import { findCloudProxy, findControlPlane, findRelay } from "./network.ts";
import { findTrust } from "./trust.ts";

/**
 * Proves each step of a call's way from a tool to the control plane, in that order, a line each. Never throws. `env` is
 * the environment with the managed settings of `sources` under it.
 */
export async function diagnose(
  env: NodeJS.ProcessEnv,
  sources: readonly SettingsSource[],
): Promise<readonly Finding[]> {
  let config: DaemonConfig;
  try {
    config = readDaemonConfig(env);
  } catch (error) {
    return [...findSources(sources), finding.fail(`settings: ${describeError(error)}`)];
  }
  using ownRequests = leadOwnRequests();
  ownRequests.through(config.upstream);
  const status = await askStatus(config.dataFolder);
  const relay = status?.relay ?? null;
  return [
    ...findSources(sources),
    finding.ok(`settings: calls are reported for ${config.user}`),
    findFolder(config.dataFolder),
    findAgent(status, config),
    findService(config),
    ...(config.captures.has("session-logs") ? findLogs(config.machine) : []),
    ...(config.captures.has("otlp") ? [findTelemetry(status)] : []),
    ...(status?.notUnderstood ?? []).map((alarm) => finding.warn(`format: ${describeAlarm(alarm)}`)),
    ...(config.captures.has("relay") ? [await findRelay(relay), ...findShell(env, relay)] : []),
    ...(config.captures.has("intercept") ? await findTrust(config, relay, status?.distrust ?? []) : []),
    ...(config.cloudProxy === null ? [] : [await findCloudProxy(config, config.cloudProxy)]),
    ...(await findControlPlane(config)),
    ...(status === null ? [] : [findPolicy(status.policy)]),
    ...(status?.version === version ? [findUpdates(status.update)] : []),
    ...findDelivery(status),
  ];
}

function findSources(sources: readonly SettingsSource[]): Finding[] {
  return sources.map(({ place, settings, closed }) =>
    closed
      ? finding.warn(`settings: ${place} is closed to this user and was not read`)
      : finding.ok(`settings: ${Object.keys(settings).length} from ${place}`),
  );
}

function findAgent(status: DaemonStatus | null, { user }: DaemonConfig): Finding {
  if (status === null) return finding.fail("agent: not running; start it with `flowstate run` or install it");
  const text = `agent: ${status.version} runs since ${status.startedAt} (process ${status.pid})`;
  if (status.version !== version) return finding.warn(`${text}; restart it, this is ${version}`);
  return status.user === user ? finding.ok(text) : finding.warn(`${text} for another person, ${status.user}`);
}

/** Whether the agent comes back by itself. */
function findService({ machine: { home, platform } }: DaemonConfig): Finding {
  try {
    const [record = null] = (["user", "system"] as const).flatMap(
      (scope) => readRecord(recordFile(parsePlatform(platform), scope, home)) ?? [],
    );
    if (record === null)
      return finding.warn("service: not installed; the agent runs as long as somebody runs it");
    const whose = record.scope === "system" ? `the machine, as ${record.person.account}` : "this person";
    const text = `service: ${record.version} installed for ${whose}`;
    return record.version === version
      ? finding.ok(text)
      : finding.warn(`${text}; install ${version} over it`);
  } catch (error) {
    return finding.fail(`service: ${describeError(error)}`);
  }
}

function findTelemetry(status: DaemonStatus | null): Finding {
  const { address = null, problem = null, calls = 0, refused = 0 } = status?.telemetry ?? {};
  if (address === null) return finding.fail(`telemetry: ${problem ?? "not running"}`);
  const text = `telemetry: received at ${address}, ${calls} calls since the start`;
  return refused === 0 ? finding.ok(text) : finding.warn(`${text}; ${refused} requests refused`);
}

function findPolicy({ version, problem, notUnderstood }: DaemonStatus["policy"]): Finding {
  const text = version === null ? "policy: none is in force" : `policy: version ${version} is in force`;
  if (problem !== null) return finding.warn(`${text}, as it was last told; ${problem}`);
  return notUnderstood.length === 0
    ? finding.ok(text)
    : finding.warn(`${text}; this agent does not know ${notUnderstood.join(", ")}`);
}

/** A newer version that is left to people is in order; one that cannot be believed or does not run is not. */
function findUpdates(update: DaemonStatus["update"]): Finding {
  const text = `updates: ${renderUpdate(update, Date.now())}`;
  const { problem, obstacle, policy } = update;
  const isBlocked = policy === "auto" && obstacle !== null;
  return problem !== null || isBlocked ? finding.warn(text) : finding.ok(text);
}

function findDelivery(status: DaemonStatus | null): Finding[] {
  if (status === null) return [];
  const { waiting, failure, rejected, deliveredAt } = status.delivery;
  return [
    failure === null
      ? finding.ok(`delivery: ${waiting} calls wait, the last delivery was ${deliveredAt ?? "never"}`)
      : finding.warn(`delivery: ${waiting} calls wait since ${failure.at}; ${failure.reason}`),
    ...(rejected === 0
      ? []
      : [
          finding.warn(
            `delivery: the control plane refused ${rejected} calls; \`flowstate logs\` names them`,
          ),
        ]),
  ];
}
