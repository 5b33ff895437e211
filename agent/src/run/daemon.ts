import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { createLogger, type Logger } from "@flowstate/shared/log";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { deliver, flush, type DeliverOptions } from "@flowstate/shared/outbox/deliver";
import { openOutbox } from "@flowstate/shared/outbox/outbox";
import { Secret } from "@flowstate/shared/secret";
import { dayMs, hourMs } from "@flowstate/shared/time";
import type { DaemonConfig } from "../daemon-config.ts";
import { createKeeper } from "../enterprise/keeper.ts";
import { watchConversations } from "../fluency/watch.ts";
import { openLedger } from "../ledger/ledger.ts";
import { claimInstance } from "../local/instance.ts";
import { serveStatus } from "../local/socket.ts";
import { createVitals, instant, type Vitals } from "../local/status.ts";
import { readAuthority } from "../observe/intercept/known-authority.ts";
import type { Intercept, InterceptOptions } from "../observe/intercept/server.ts";
import { createContentReports } from "../policy/content-reports.ts";
import { followPolicy } from "../policy/follow.ts";
import { keepPolicy, readKeptPolicy, type KeptPolicy } from "../policy/kept.ts";
import { createOfficer, type PolicyStatus } from "../policy/officer.ts";
import { leadOwnRequests } from "../relay/own-requests.ts";
import { admitOwn } from "../relay/peer.ts";
import { startRelay } from "../relay/server.ts";
import { parseUpstream, type Upstream } from "../relay/upstream.ts";
import { watchUpdatesHere } from "../update/watch-here.ts";
import { version } from "../version.ts";
import { createCallSender } from "./deliver.ts";
import { createAlarms } from "./alarms.ts";
import { giveBack } from "./give-back.ts";
import { createIntake } from "./intake.ts";
import { createPace } from "./pace.ts";
import { steady } from "./steady.ts";
import { createTail } from "./tail.ts";
import { receiveTelemetry } from "./telemetry.ts";
import { tell } from "./tell.ts";
import { tellFormats } from "./tell-formats.ts";
import { tidy } from "./tidy.ts";
import { watchLogs } from "./watch.ts";

export interface Daemon extends AsyncDisposable {
  /** Address of the relay; null where it is off. */
  readonly relay: string | null;
}

export interface DaemonOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** How often an agent looks whether a call is due while calls come; a call is held four times as long. */
const tellMs = 5000;
const lastDeliveryMs = 3000;
const lastLookMs = 2000;
const sweepMs = 600_000;
const tidyMs = 6 * hourMs;

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
  const pauseMs = Math.min(tellMs, Math.max(10, timing.holdMs / 4));
  const pace = createPace({ clock, soonMs: pauseMs, freshMs: timing.holdMs });
  const ledger = stack.use(openLedger(join(dataFolder, "ledger.db"), { onNews: pace.note }));
  // A call in the outbox is told, as the ledger sees it: that must survive a power cut.
  const outbox = stack.use(openOutbox({ file: join(dataFolder, "outbox.db"), durable: true }));
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
  const contentReports = createContentReports();
  const tail = config.captures.has("session-logs") ? createTail(machine, ledger, now) : null;
  const intake = createIntake(ledger, log, now);
  stack.defer(async () => {
    intake.settle();
    // A last look: what a tool has written until now is not left to a log that may be gone tomorrow.
    await tail?.look(AbortSignal.timeout(lastLookMs));
    await tell(ledger, outbox, { now, holdMs: 0 }, AbortSignal.timeout(lastLookMs));
    contentReports.tell(outbox);
    await flush({ outbox, send }, AbortSignal.timeout(lastDeliveryMs));
  });
  stack.use(
    steady({ what: "delivering calls", clock, log }, (signal) =>
      deliver({
        outbox,
        clock,
        signal,
        send,
        gatherMs: pauseMs,
        onRetry: (reason, _, waitMs) =>
          log.warn({ reason, waitMs }, "calls are kept until they can be delivered"),
      }),
    ),
  );
  const officer = createOfficer(log, now, contentReports, pace.note);
  const tellHits = (): void => {
    const hits = officer.hits();
    if (hits.length === 0) return;
    outbox.append(hits.map((each) => JSON.stringify(each)));
    officer.told();
  };
  stack.defer(tellHits);
  const alarms = createAlarms(log);
  stack.use(
    steady({ what: "putting calls into the outbox", clock, log }, async (signal) => {
      while (!signal.aborted) {
        intake.settle();
        await tell(ledger, outbox, { now, holdMs: timing.holdMs }, signal);
        contentReports.tell(outbox);
        tellHits();
        tellFormats(ledger, outbox, now());
        alarms.check(ledger.formats.alarms());
        await pace.rest(signal);
      }
    }),
  );
  stack.use(
    steady({ what: "tidying the ledger", clock, log }, async (signal) => {
      while (!signal.aborted) {
        const settled = await tidy(ledger, now() - config.ledgerDays * dayMs, signal);
        if (settled > 0) log.info({ settled }, "old calls are settled");
        await clock.sleep(tidyMs, signal);
      }
    }),
  );
  if (tail !== null) {
    const watch = stack.use(watchLogs({ clock, pollMs: timing.pollMs, sweepMs }));
    stack.use(
      steady({ what: "reading session logs", clock, log }, async (signal) => {
        while (!signal.aborted) {
          const { read, broken, failed, folders, missing } = await tail.look(signal);
          vitals.looked(broken, now());
          if (read > 0) log.debug({ read, broken }, "read session logs");
          watch.cover(folders, missing);
          await watch.rest(signal, failed > 0);
        }
      }),
    );
  }
  const keeperPace = createPace({ clock, soonMs: tellMs, freshMs: 0 });
  const keeper = stack.use(
    createKeeper({ dataFolder, limits: config.captureLimits, onWaiting: keeperPace.note, log, now }),
  );
  stack.use(
    steady({ what: "keeping what is said in calls", clock, log }, async (signal) => {
      while (!signal.aborted) {
        keeper.settle();
        await keeperPace.rest(signal);
      }
    }),
  );
  const policyFile = join(dataFolder, "policy.json");
  const follow = (news: KeptPolicy): void => {
    officer.replace(news);
    // Without the intercept nobody hears what is said.
    if (config.captures.has("intercept")) keeper.follow(news.policy.settings.captureMode);
  };
  const updates = watchUpdatesHere({
    controlPlane: config.controlPlane,
    credential,
    clock,
    log,
    settings: () => officer.status().settings,
    tell: (event) => outbox.append([JSON.stringify(event)]),
  });
  const kept = readKeptPolicy(policyFile);
  if (kept !== null) follow(kept);
  // What the device says of its network wins over what the organisation says of all.
  const upstream = (): Upstream | null => config.upstream ?? upstreamOf(officer.status().settings);
  const ownRequests = stack.use(leadOwnRequests());
  ownRequests.through(upstream());
  stack.use(
    steady({ what: "following the policy", clock, log }, (signal) =>
      followPolicy(
        {
          controlPlane: config.controlPlane,
          credential,
          clock,
          kept,
          onPolicy: (news) => {
            follow(news);
            ownRequests.through(upstream());
            keepPolicy(policyFile, news);
            updates.reconsider();
          },
          onHeard: () => officer.heard(instant(now())),
          onProblem: officer.failed,
        },
        signal,
      ),
    ),
  );
  stack.use(steady({ what: "looking for newer versions", clock, log }, (signal) => updates.follow(signal)));
  // What was said is looked at where the organisation has asked for it, or this device.
  const isJudging = (): boolean =>
    config.captures.has("fluency") ||
    (config.captures.has("session-logs") && officer.status().settings?.captureMode === "enterprise");
  const judging = {
    machine,
    outbox,
    file: join(dataFolder, "fluency.db"),
    isOn: isJudging,
    quietMs: timing.fluencyQuietMs,
    now,
    clock,
    log,
  };
  stack.use(
    steady({ what: "judging conversations", clock, log }, (signal) => watchConversations(judging, signal)),
  );
  stack.use(steady({ what: "giving memory back", clock, log }, (signal) => giveBack({ clock }, signal)));
  const admits = config.relayUsers === "own" ? await admitOwn() : null;
  const telemetry = config.captures.has("otlp")
    ? stack.use(
        await receiveTelemetry({
          port: config.otlpPort,
          retryMs: 12 * timing.pollMs,
          ledger,
          admits,
          log,
          clock,
        }),
      )
    : null;
  const ca = config.cloudProxyCa === null ? undefined : [readFileSync(config.cloudProxyCa, "utf8")];
  const intercept = config.captures.has("intercept")
    ? await openIntercept(join(dataFolder, "tls"), {
        upstreamCa: undefined,
        onSighting: (sighting) => {
          intake.note(sighting);
          pace.note();
        },
        onFormat: (format) => {
          intake.count(format);
          pace.note();
        },
        judge: officer.judge,
        listen: officer.listen,
        keepWords: keeper.keepWords,
        log,
        now,
      })
    : null;
  const relay = config.captures.has("relay")
    ? stack.use(
        await startRelay({
          port: config.relayPort,
          cloudProxy: config.cloudProxy === null ? null : { url: config.cloudProxy, credential, ca },
          upstream,
          whenDown: config.whenDown,
          intercept,
          admits,
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
      relayUsers: admits === null ? "all" : "own",
      captures: [...config.captures],
      logs: vitals.read().logs,
      telemetry: telemetry?.status() ?? null,
      notUnderstood: ledger.formats.alarms(),
      policy: officer.status(),
      update: updates.status(),
      words: keeper.status(),
      calls: ledger.calls.counts(),
      delivery: { waiting: outbox.depth().rows, ...vitals.read().delivery },
      distrust: (intercept?.distrust() ?? []).map(({ host, userAgent }) => ({ host, client: userAgent })),
    })),
  );
  log.info({ version, relay: relay?.address ?? null }, "the agent is running");
  const running = stack.move();
  return { relay: relay?.address ?? null, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What makes an authority is loaded where there is none yet. */
async function openIntercept(
  folder: string,
  options: Omit<InterceptOptions, "authority"> & { readonly now: () => number },
): Promise<Intercept> {
  const { startIntercept } = await import("../observe/intercept/server.ts");
  const authority =
    readAuthority(folder, options.now()) ??
    (await import("../observe/intercept/ca.ts")).renewAuthority(folder, options.now());
  return startIntercept({ ...options, authority });
}

/** The proxy that the organisation's settings name, if any. */
function upstreamOf(settings: PolicyStatus["settings"]): Upstream | null {
  const parsed = parseUpstream(settings?.upstreamProxy ?? "");
  return parsed.ok ? parsed.value : null;
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
