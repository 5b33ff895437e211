import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Config } from "../config.ts";
import { askStatus } from "../local/socket.ts";
import { describeAlarm } from "../ledger/formats.ts";
import type { DaemonStatus } from "../local/status.ts";
import { ago, plural } from "../local/words.ts";
import { renderUpdate } from "../update/render.ts";
import { version } from "../version.ts";

/** `flowstate status`: what the daemon says of itself. Throws FS_UNAVAILABLE, after printing, where none runs. */
export async function runStatus(
  { json = false }: { readonly json?: boolean },
  { dataFolder }: Config,
): Promise<void> {
  const status = await askStatus(dataFolder);
  if (json) printJson(status === null ? { running: false, dataFolder } : { running: true, ...status });
  else if (status !== null) process.stdout.write(renderStatus(status, Date.now()));
  if (status === null)
    throw new FlowstateError("FS_UNAVAILABLE", `no agent runs with the data folder ${dataFolder}`);
}

/** The status as lines for a terminal: a heading, then one fact a line. Of an agent of another version the heading alone. */
function renderStatus(status: DaemonStatus, now: number): string {
  const heading = `Flowstate agent ${status.version} runs since ${status.startedAt} (process ${status.pid})`;
  if (status.version !== version) return `${heading}; this is ${version}: restart it\n`;
  const { calls, delivery, logs, distrust } = status;
  const facts: readonly (readonly [name: string, value: string])[] = [
    ["person", status.user],
    ["control plane", `${status.controlPlane}, ${renderDelivery(status, now)}`],
    ["cloud proxy", status.cloudProxy ?? "none: tunnels go straight to their targets"],
    ["relay", renderRelay(status)],
    ["captures", status.captures.join(", ")],
    ["session logs", renderLogs(logs, now)],
    ...(status.telemetry === null ? [] : [["telemetry", renderTelemetry(status.telemetry)] as const]),
    ...status.notUnderstood.map((alarm) => ["format", describeAlarm(alarm)] as const),
    [
      "calls",
      `${plural(calls.known, "call")} known, ${delivery.waiting + calls.untold} waiting to be delivered`,
    ],
    ["policy", renderPolicy(status.policy)],
    ["updates", renderUpdate(status.update, now)],
    ["words", renderWords(status)],
    ...(delivery.rejected > 0 ? [["refused", plural(delivery.rejected, "call")] as const] : []),
    ...distrust.map(({ host, client }) => ["not read", `${client || "a client"} to ${host}`] as const),
    ["data folder", status.dataFolder],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [heading, ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ""].join("\n");
}

function renderDelivery({ delivery: { failure, deliveredAt } }: DaemonStatus, now: number): string {
  if (failure !== null) return `not delivering: ${failure.reason}`;
  return deliveredAt === null ? "nothing delivered yet" : `delivered ${ago(deliveredAt, now)}`;
}

function renderRelay({ relay, relayUsers }: DaemonStatus): string {
  if (relay === null) return "off";
  return `${relay}, for ${relayUsers === "own" ? "this user and root" : "every user of this machine"}`;
}

function renderLogs({ lookedAt, broken }: DaemonStatus["logs"], now: number): string {
  if (lookedAt === null) return "not looked at yet";
  const looked = `looked at ${ago(lookedAt, now)}`;
  return broken === 0 ? looked : `${looked}; ${plural(broken, "row")} not understood`;
}

function renderPolicy({ version, rules, settings, problem, met }: DaemonStatus["policy"]): string {
  const blocking = met.filter(({ action }) => action === "BLOCK");
  const count = blocking.reduce((sum, { enforcedCalls }) => sum + enforcedCalls, 0);
  return [
    version === null ? "none" : `version ${version} with ${plural(rules.length, "rule")} for this person`,
    ...(rules.length > 0 && settings?.enforcement === "observe" ? ["observed alone"] : []),
    ...(count === 0 ? [] : [`${plural(count, "call")} refused`]),
    ...(problem === null ? [] : [`not heard: ${problem}`]),
  ].join(", ");
}

/** Prompts and answers: whoever works here shall see whether they are kept. */
function renderWords({ words, policy }: DaemonStatus): string {
  if (words.mode === "telemetry")
    return policy.settings?.captureMode === "enterprise"
      ? "the organisation asks for prompts and answers; none are kept, because the intercept is off"
      : "prompts and answers are not kept";
  return [
    `prompts and answers are kept on this device for ${plural(words.retentionDays, "day")}; \`flowstate captures\` shows and erases them`,
    ...(words.waiting === 0 ? [] : [`${plural(words.waiting, "call")} cannot be kept yet`]),
    ...(words.lost === 0 ? [] : [`${plural(words.lost, "call")} could not be kept`]),
  ].join("; ");
}

/** Metrics come later than events, so that only a wide gap says something. */
const mostLost = 0.05;
const fewestMetered = 1000;

function renderTelemetry(telemetry: NonNullable<DaemonStatus["telemetry"]>): string {
  const { address, problem, calls, refused, checksum } = telemetry;
  const lost = checksum.filter(
    ({ counted, metered }) => metered >= fewestMetered && counted < metered * (1 - mostLost),
  );
  return [
    problem === null ? `${address ?? "off"}, ${plural(calls, "call")} since the start` : `off: ${problem}`,
    ...(refused === 0 ? [] : [`${plural(refused, "request")} refused`]),
    ...lost.map(({ tool, counted, metered }) => {
      const missing = (metered - counted).toLocaleString("en-GB");
      return `the metrics of ${tool} hold ${missing} output tokens that no event told of`;
    }),
  ].join("; ");
}
