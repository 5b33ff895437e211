import { hash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { background } from "@flowstate/shared/lifecycle";
import { createLogger, type Logger } from "@flowstate/shared/log";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { deliver, flush, type DeliverOptions } from "@flowstate/shared/outbox/deliver";
import { openOutbox, type Outbox } from "@flowstate/shared/outbox/outbox";
import { Secret } from "@flowstate/shared/secret";
import { projectOf } from "../attribute/project.ts";
import type { DaemonConfig } from "../config.ts";
import { openLedger, type Ledger } from "../ledger/ledger.ts";
import { claimInstance } from "../local/instance.ts";
import { serveStatus } from "../local/socket.ts";
import { createVitals, instant, type Vitals } from "../local/status.ts";
import { openAuthority } from "../observe/intercept/ca.ts";
import { startIntercept, type Intercept } from "../observe/intercept/server.ts";
import { startRelay } from "../relay/server.ts";
import { version } from "../version.ts";
import { createCallSender } from "./deliver.ts";
import { eventOf } from "./event.ts";
import { createTail } from "./tail.ts";
import { receiveTelemetry } from "./telemetry.ts";
import { watchLogs } from "./watch.ts";

export interface Daemon extends AsyncDisposable {
  /** Address of the relay; null where it is off. */
  readonly relay: string | null;
}

export interface DaemonOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
}

const tellMs = 1000;
const mostAtOnce = 500;
const lastDeliveryMs = 3000;
const lastLookMs = 2000;
const sweepMs = 60_000;

/** Builds the daemon and starts it: logs and intercepted calls into the ledger, changed calls to the control plane. */
export async function startDaemon(
  config: DaemonConfig,
  { clock = systemClock, log = createLogger("agent", config.logLevel) }: DaemonOptions = {},
): Promise<Daemon> {
  await using stack = new AsyncDisposableStack();
  const { dataFolder, machine, timing } = config;
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const now = (): number => clock.now();
  stack.use(claimInstance(dataFolder));
  const startedAt = instant(now());
  const vitals = createVitals();
  const ledger = stack.use(openLedger(join(dataFolder, "ledger.db")));
  const outbox = stack.use(openOutbox({ file: join(dataFolder, "outbox.db") }));
  const credential = new Secret(basicCredential({ user: config.user, password: config.key.reveal() }));
  const sendCalls = createCallSender({
    controlPlane: config.controlPlane,
    credential,
    now,
    onRejected: (seq, reason) => {
      vitals.rejected();
      log.warn({ seq, reason }, "the control plane rejected a call");
    },
  });
  const send = noted(sendCalls, vitals, now);
  const tail = config.captures.has("session-logs") ? createTail(machine, ledger, now) : null;
  stack.defer(async () => {
    // A last look: what a tool has written until now is not left to a log that may be gone tomorrow.
    await tail?.look(AbortSignal.timeout(lastLookMs));
    tell(ledger, outbox, now(), 0, log);
    await flush({ outbox, send }, AbortSignal.timeout(lastDeliveryMs));
  });
  stack.use(
    background((signal) =>
      deliver({
        outbox,
        clock,
        signal,
        send,
        onRetry: (reason, _, waitMs) =>
          log.warn({ reason, waitMs }, "calls are kept until they can be delivered"),
      }),
    ),
  );
  stack.use(
    background(async (signal) => {
      while (!signal.aborted) {
        tell(ledger, outbox, now(), timing.holdMs, log);
        await clock.sleep(Math.min(tellMs, Math.max(10, timing.holdMs)), signal);
      }
    }),
  );
  if (tail !== null) {
    const watch = stack.use(watchLogs({ clock, pollMs: timing.pollMs, sweepMs }));
    stack.use(
      background(async (signal) => {
        while (!signal.aborted) {
          const { read, broken, folders } = await tail.look(signal);
          vitals.looked(broken, now());
          if (read > 0) log.debug({ read, broken }, "read session logs");
          watch.cover(folders);
          await watch.rest(signal);
        }
      }),
    );
  }
  const telemetry = config.captures.has("otlp")
    ? stack.use(await receiveTelemetry({ port: config.otlpPort, ledger, log, now }))
    : null;
  const ca = config.cloudProxyCa === null ? undefined : [readFileSync(config.cloudProxyCa, "utf8")];
  const intercept: Intercept | null = config.captures.has("intercept")
    ? startIntercept({
        authority: openAuthority(join(dataFolder, "tls"), now()),
        upstreamCa: undefined,
        onSighting: (sighting) => ledger.calls.note([sighting], now()),
        decide: null,
        log,
        now,
      })
    : null;
  const relay = config.captures.has("relay")
    ? stack.use(
        await startRelay({
          port: config.relayPort,
          cloudProxy: config.cloudProxy === null ? null : { url: config.cloudProxy, credential, ca },
          whenDown: config.whenDown,
          intercept,
          log,
        }),
      )
    : null;
  stack.use(
    await serveStatus(dataFolder, () => ({
      version,
      pid: process.pid,
      startedAt,
      user: config.user,
      dataFolder,
      controlPlane: config.controlPlane.origin,
      cloudProxy: config.cloudProxy?.origin ?? null,
      relay: relay?.address ?? null,
      captures: [...config.captures],
      logs: vitals.read().logs,
      telemetry: telemetry?.status() ?? null,
      notUnderstood: ledger.formats.alarms(),
      calls: ledger.calls.counts(),
      delivery: { waiting: outbox.depth().rows, ...vitals.read().delivery },
      distrust: (intercept?.distrust() ?? []).map(({ host, userAgent }) => ({ host, client: userAgent })),
    })),
  );
  log.info({ version, relay: relay?.address ?? null }, "the agent is running");
  const running = stack.move();
  return { relay: relay?.address ?? null, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Sends as `send` does, and notes how it went. */
function noted(send: DeliverOptions["send"], vitals: Vitals, now: () => number): DeliverOptions["send"] {
  return async (batch, signal) => {
    const delivery = await send(batch, signal);
    if (delivery.kind === "done") vitals.delivered(now());
    else vitals.failed(delivery.reason, now());
    return delivery;
  };
}

/** Puts calls that have changed, and have been left alone for a while, into the outbox. */
function tell(ledger: Ledger, outbox: Outbox, now: number, holdMs: number, log: Logger): void {
  const projects = new Map<string, string | null>();
  const projectName = (cwd: string): string | null => {
    const known = projects.get(cwd);
    if (known !== undefined) return known;
    const { name } = projectOf(cwd);
    projects.set(cwd, name);
    return name;
  };
  for (;;) {
    const due = ledger.calls.due(now, holdMs, mostAtOnce);
    if (due.length === 0) return;
    const told = due.map(({ id, call, revision, told: before }) => {
      const event = eventOf(call, projectName);
      const { tool, project, occurredAt } = event;
      const sessionId =
        event.sessionId ??
        ledger.calls.sessionFor(id, { tool, project: project ?? "", occurredAt: Date.parse(occurredAt) });
      const body = { ...event, sessionId };
      const digest = hash("sha256", JSON.stringify(body), "hex");
      return { id, digest, fresh: digest !== before, revision, body };
    });
    try {
      outbox.append(
        told
          .filter(({ fresh }) => fresh)
          .map(({ body, revision }) => JSON.stringify({ ...body, revision: revision + 1 })),
      );
    } catch (error) {
      log.error({ err: error }, "the outbox takes no more calls; they stay in the ledger");
      return;
    }
    for (const { id, digest, fresh, revision } of told)
      ledger.calls.told(id, digest, fresh ? revision + 1 : revision);
  }
}
