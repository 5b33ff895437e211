import { chmodSync, mkdirSync } from "node:fs";
import { Server as NetServer } from "node:net";
import { join } from "node:path";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { background } from "@flowstate/shared/lifecycle";
import { createLogger, type Logger } from "@flowstate/shared/log";
import { deliver, flush } from "@flowstate/shared/outbox/deliver";
import { openOutbox } from "@flowstate/shared/outbox/outbox";
import type { ProxySnapshot } from "@flowstate/shared/wire/push";
import { readCertificate, watchCertificate } from "./accept/certificate.ts";
import { createListener, expectProxyHeader, listen } from "./accept/listener.ts";
import { mintTicketKeys, rotateTicketKeys } from "./accept/tickets.ts";
import type { ProxyStatus } from "./admin/metrics.ts";
import { createAdminServer } from "./admin/server.ts";
import { createKeyring, type Keyring } from "./auth/keyring.ts";
import { createThrottle } from "./auth/throttle.ts";
import { createTunnelRegistry, type TunnelRow } from "./carry/registry.ts";
import type { Tunnel } from "./carry/tunnel.ts";
import type { Config } from "./config.ts";
import { serveConnections } from "./connection.ts";
import { createLimiter } from "./decide/limits.ts";
import { decideDestination } from "./decide/rules.ts";
import { createDialer } from "./dial/dialer.ts";
import { createEvents } from "./events.ts";
import { createMeterSender } from "./link/deliver.ts";
import { deliverOrphans } from "./link/orphans.ts";
import { createSnapshotKeeper } from "./link/snapshot-keeper.ts";
import { followControlPlane } from "./link/stream.ts";
import { createFlusher } from "./meter/flush.ts";
import { createMeter } from "./meter/meter.ts";
import { createRefusalCounter } from "./meter/refusals.ts";

export interface Proxy extends AsyncDisposable {
  readonly address: string;
  /** Null where a supervisor serves for all its workers. */
  readonly admin: string | null;
  status(): ProxyStatus;
  tunnels(): readonly TunnelRow[];
  /** Null when ready, else why not. */
  unready(): string | null;
  setTicketKeys(keys: Buffer): void;
  /** Tunnels open here per scope of a limit, empty where none is limited; and what the other workers hold. */
  readonly limits: {
    open(): Readonly<Record<string, number>>;
    others(open: Readonly<Record<string, number>>): void;
  };
}

/** What a process is where several serve one address. */
export interface WorkerPlace {
  readonly workers: number;
  /** Its own, for two processes must not number the rows of one outbox. */
  readonly outboxFile: string;
  readonly ticketKeys: Buffer;
}

export interface ComposeOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly place?: WorkerPlace | null;
}

const lastDeliveryMs = 3000;
const refusalsMs = 2000;

/** Builds the whole program and starts it; disposing drains it: no new connections, open tunnels to their end, then the meter. */
export async function compose(
  config: Config,
  { clock = systemClock, log = createLogger("proxy", config.logLevel), place = null }: ComposeOptions = {},
): Promise<Proxy> {
  await using stack = new AsyncDisposableStack();
  mkdirSync(config.folder, { recursive: true, mode: 0o700 });
  chmodSync(config.folder, 0o700);
  const { timing, controlPlane, token, ports } = config;
  const now = (): number => clock.now();
  const events = createEvents(log);
  const keyring = createKeyring({ graceMs: timing.graceMs, now });
  const refusals = createRefusalCounter();
  const meter = createMeter(now);
  const outboxFile = place?.outboxFile ?? join(config.folder, "outbox.db");
  const outbox = stack.use(openOutbox({ file: outboxFile }));
  const registry = createTunnelRegistry(timing, clock);
  const flusher = createFlusher({
    meter,
    outbox,
    everyMs: timing.flushMs,
    clock,
    collect: () => registry.collect(),
    onFailure: (error, rows) => events.meterKept(error, rows),
  });
  const sender = createMeterSender({
    controlPlane,
    token,
    onRejected: (seq, reason) => events.meterRowRejected(seq, reason),
  });

  const keeper = createSnapshotKeeper(join(config.folder, "snapshot.json"), (what) =>
    events.linkTrouble(what),
  );
  let sharesLimits = false;
  const install = (snapshot: ProxySnapshot): void => {
    keyring.replace(snapshot);
    sharesLimits = config.limits.tunnels !== null || limitsTunnels(snapshot);
  };
  if (keeper.kept !== null) {
    install(keeper.kept.snapshot);
    keyring.heard(keeper.kept.heardAt);
  }
  const onHeard = (): void => {
    keyring.heard(now());
    keeper.heard(now());
  };
  const onSnapshot = (snapshot: ProxySnapshot): void => {
    install(snapshot);
    registry.review((tunnel) => mayStay(tunnel, keyring));
    events.snapshotTaken(snapshot.revision, snapshot.keys.length);
    keeper.keep(snapshot);
    onHeard();
  };

  let certificate = readCertificate(config);
  const server = createListener(config, certificate, place?.ticketKeys ?? mintTicketKeys());
  let ownPort = 0;
  const dial = createDialer(config, () => ownPort, now);
  const limiter = createLimiter({ global: config.limits, workers: place?.workers ?? 1, now });
  const throttle = createThrottle(now);
  const connections = serveConnections(
    server,
    { keyring, throttle, limiter, refusals, dial, ports, meter, registry, events, clock },
    timing,
  );
  if (config.balancers !== null) expectProxyHeader(server, config.balancers, timing.headMs);

  const status = (): ProxyStatus => ({
    outcomes: Object.fromEntries(events.outcomes),
    refusals: Object.fromEntries(refusals.totals),
    connections: events.connections,
    tlsFailures: events.tlsFailures,
    clearText: events.clearCredentials,
    openTunnels: registry.size,
    outboxRows: outbox.depth().rows,
    outboxBytes: outbox.depth().bytes,
    snapshotRevision: keyring.revision,
    certificateExpiresAt: certificate.expiresAt,
  });
  const tunnels = (): readonly TunnelRow[] => registry.list();
  const unready = (): string | null =>
    keyring.revision === null
      ? "no key snapshot yet"
      : keyring.stale
        ? "the control plane has not been heard for too long"
        : null;
  const admin =
    place !== null
      ? null
      : stack.use(
          await createAdminServer(
            { status: async () => status(), tunnels: async () => tunnels(), unready: async () => unready() },
            config.adminPort,
          ),
        );

  stack.defer(async () => {
    flusher.flush();
    await flush(
      { outbox, send: (batch, signal) => sender.send(batch, signal) },
      AbortSignal.timeout(lastDeliveryMs),
    );
  });
  const onRetry = (reason: string, _: number, waitMs: number): void => events.deliveryDelayed(reason, waitMs);
  const runs: ((signal: AbortSignal) => Promise<void>)[] = [
    (signal) =>
      deliver({
        outbox,
        clock,
        signal,
        gatherMs: timing.flushMs / 2,
        onRetry,
        send: (batch, stop) => sender.send(batch, stop),
      }),
    async (signal) => {
      while (!signal.aborted) {
        await clock.sleep(refusalsMs, signal);
        await sender.sendRefusals(outbox.source, () => refusals.take(), signal);
      }
    },
    (signal) => flusher.run(signal),
    (signal) => registry.watch(signal),
    (signal) =>
      followControlPlane(
        {
          controlPlane,
          token,
          clock,
          onSnapshot,
          onHeard,
          onRevoked: (keyId) => {
            keyring.revoke(keyId);
            events.keyRevoked(keyId);
          },
          onTrouble: (what) => events.linkTrouble(what),
        },
        signal,
      ),
    (signal) =>
      watchCertificate(
        {
          files: config,
          clock,
          onReplaced(replaced) {
            certificate = replaced;
            // Without the keys every ticket given out so far would be void.
            server.setSecureContext({ ...replaced.context, ticketKeys: server.getTicketKeys() });
            events.certificateReplaced(replaced.expiresAt);
          },
          onKept: (reason) => events.certificateKept(reason),
        },
        signal,
      ),
    async (signal) => {
      if (place === null) await rotateTicketKeys(clock, (keys) => server.setTicketKeys(keys), signal);
    },
    async (signal) => {
      const onStuck = (reason: string): void => events.outboxStuck(reason);
      const used = new Set([outboxFile]);
      const orphans = { folder: config.folder, used: () => used, sender, clock, onStuck };
      if (place === null) await deliverOrphans(orphans, signal);
    },
  ];
  for (const run of runs) stack.use(background(run));

  ownPort = await listen(server, config.host, config.port);
  stack.defer(async () => {
    // Not the server's own close, which would cut connections whose request is still on its way.
    NetServer.prototype.close.call(server);
    connections.sessions.close();
    await registry.drain(timing.drainMs, () => connections.unsettled > 0);
    connections.destroy();
    server.close();
    server.closeAllConnections();
  });
  const running = stack.move();
  const name = config.host.includes(":") ? `[${config.host}]` : config.host;
  return {
    address: `https://${name === "0.0.0.0" ? "127.0.0.1" : name === "[::]" ? "[::1]" : name}:${ownPort}`,
    admin: admin?.address ?? null,
    status,
    tunnels,
    unready,
    setTicketKeys: (keys) => server.setTicketKeys(keys),
    limits: {
      open: () => (sharesLimits ? limiter.open() : {}),
      others: (open) => limiter.others(open),
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Where no organisation limits its tunnels, workers have nothing to tell each other. */
function limitsTunnels({ orgs }: ProxySnapshot): boolean {
  return orgs.some(
    ({ policy: { perSubject, perOrganisation } }) =>
      perSubject.tunnels !== null || perOrganisation.tunnels !== null,
  );
}

/** Whether an open tunnel may go on under the organisation's present policy. */
function mayStay({ identity: { orgId, subject }, to }: Tunnel, keyring: Keyring): boolean {
  const policy = keyring.policyOf(orgId);
  return policy.existingTunnels === "keep" || decideDestination(policy, subject, to).allowed;
}
