import { chmodSync, mkdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { background } from "@flowstate/shared/lifecycle";
import { createLogger, type Logger } from "@flowstate/shared/log";
import { deliver, flush } from "@flowstate/shared/outbox/deliver";
import { openOutbox } from "@flowstate/shared/outbox/outbox";
import type { ProxySnapshot } from "@flowstate/shared/wire/push";
import { createListener, listen } from "./accept/listener.ts";
import { renderMetrics } from "./admin/metrics.ts";
import { createAdminServer } from "./admin/server.ts";
import { createKeyring, type Keyring } from "./auth/keyring.ts";
import { createThrottle } from "./auth/throttle.ts";
import { createTunnelRegistry } from "./carry/registry.ts";
import type { Tunnel } from "./carry/tunnel.ts";
import type { Config } from "./config.ts";
import { serveConnections } from "./connection.ts";
import { createLimiter } from "./decide/limits.ts";
import { decideDestination } from "./decide/rules.ts";
import { createDial } from "./dial/connect.ts";
import { createUpstreamDial } from "./dial/upstream.ts";
import { createResolver } from "./dial/resolve.ts";
import { createEvents } from "./events.ts";
import { createMeterSender } from "./link/deliver.ts";
import { readSnapshotFile, writeSnapshotFile } from "./link/snapshot-file.ts";
import { followControlPlane } from "./link/stream.ts";
import { createFlusher } from "./meter/flush.ts";
import { createMeter } from "./meter/meter.ts";
import { createRefusalCounter } from "./meter/refusals.ts";

export interface Proxy extends AsyncDisposable {
  readonly address: string;
  readonly admin: string;
}

export interface ComposeOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
}

const lastDeliveryMs = 3000;
const refusalsMs = 2000;

/** Builds the whole program and starts it; disposing drains it: no new connections, open tunnels to their end, then the meter. */
export async function compose(
  config: Config,
  { clock = systemClock, log = createLogger("proxy", config.logLevel) }: ComposeOptions = {},
): Promise<Proxy> {
  await using stack = new AsyncDisposableStack();
  mkdirSync(config.folder, { recursive: true, mode: 0o700 });
  chmodSync(config.folder, 0o700);
  const { timing, controlPlane, token } = config;
  const events = createEvents(log);
  const keyring = createKeyring();
  const refusals = createRefusalCounter();
  const meter = createMeter(() => clock.now());
  const outbox = stack.use(openOutbox({ file: join(config.folder, "outbox.db") }));
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

  const snapshotFile = join(config.folder, "snapshot.json");
  const kept = readSnapshotFile(snapshotFile);
  if (kept.ok) keyring.replace(kept.value);
  const takeSnapshot = (snapshot: ProxySnapshot): void => {
    keyring.replace(snapshot);
    registry.review((tunnel) => mayStay(tunnel, keyring));
    events.snapshotTaken(snapshot.revision, snapshot.keys.length);
    try {
      writeSnapshotFile(snapshotFile, snapshot);
    } catch (error) {
      events.linkTrouble(`the key snapshot cannot be kept on disk: ${(error as Error).message}`);
    }
  };

  const server = createListener(config);
  let ownPort = 0;
  const { allow, upstream } = config;
  const timeoutMs = timing.dialMs;
  const dial =
    upstream === null
      ? createDial({
          resolve: createResolver(config.dnsServers, () => clock.now()),
          allow,
          timeoutMs,
          isOwn: (address, port) => port === ownPort && isLocal(address),
        })
      : createUpstreamDial({ upstream, allow, timeoutMs });
  const limiter = createLimiter({ global: config.limits, now: () => clock.now() });
  const throttle = createThrottle(() => clock.now());
  const { ports } = config;
  const sessions = serveConnections(
    server,
    { keyring, throttle, limiter, refusals, dial, ports, meter, registry, events, clock },
    timing.idleMs,
  );
  const admin = createAdminServer({
    metrics: () =>
      renderMetrics({
        events,
        refusals,
        openTunnels: registry.size,
        outbox: outbox.depth(),
        snapshotRevision: keyring.revision,
      }),
    tunnels: () => registry.list(),
    unready: () => (keyring.revision === null ? "no key snapshot yet" : null),
  });
  stack.defer(() => {
    admin.close();
    admin.closeAllConnections();
  });
  const adminPort = await listen(admin, "127.0.0.1", config.adminPort);

  stack.defer(async () => {
    flusher.flush();
    await flush(
      { outbox, send: (batch, signal) => sender.send(batch, signal) },
      AbortSignal.timeout(lastDeliveryMs),
    );
  });
  const onRetry = (reason: string, _: number, waitMs: number): void => events.deliveryDelayed(reason, waitMs);
  stack.use(
    background((signal) =>
      deliver({
        outbox,
        clock,
        signal,
        idleMs: timing.flushMs / 2,
        onRetry,
        send: (batch, stop) => sender.send(batch, stop),
      }),
    ),
  );
  stack.use(
    background(async (signal) => {
      while (!signal.aborted) {
        await clock.sleep(refusalsMs, signal);
        await sender.sendRefusals(outbox.source, () => refusals.take(), signal);
      }
    }),
  );
  stack.use(background((signal) => flusher.run(signal)));
  stack.use(background((signal) => registry.watch(signal)));
  stack.use(
    background((signal) =>
      followControlPlane(
        {
          controlPlane,
          token,
          clock,
          onSnapshot: takeSnapshot,
          onRevoked: (keyId) => {
            keyring.revoke(keyId);
            events.keyRevoked(keyId);
          },
          onTrouble: (what) => events.linkTrouble(what),
        },
        signal,
      ),
    ),
  );
  ownPort = await listen(server, config.host, config.port);
  stack.defer(async () => {
    server.close();
    server.closeIdleConnections();
    sessions.close();
    await registry.drain(timing.drainMs);
    sessions.destroy();
    server.closeAllConnections();
  });
  const running = stack.move();
  const name = config.host.includes(":") ? `[${config.host}]` : config.host;
  return {
    address: `https://${name === "0.0.0.0" ? "127.0.0.1" : name === "[::]" ? "[::1]" : name}:${ownPort}`,
    admin: `http://127.0.0.1:${adminPort}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Whether an open tunnel may go on under the organisation's present policy. */
function mayStay({ identity: { orgId, subject }, to }: Tunnel, keyring: Keyring): boolean {
  const policy = keyring.policyOf(orgId);
  return policy.existingTunnels === "keep" || decideDestination(policy, subject, to).allowed;
}

/** Asked only for the proxy's own port number, so reading the interfaces each time costs nothing that counts. */
function isLocal(address: string): boolean {
  return (
    address.startsWith("127.") ||
    address === "::1" ||
    Object.values(networkInterfaces()).some(
      (cards) => cards?.some((card) => card.address === address) ?? false,
    )
  );
}
