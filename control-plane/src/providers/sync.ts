import { hostname } from "node:os";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { newUuid, type OrgId } from "@flowstate/shared/ids";
import { dateOf } from "@flowstate/shared/time";
import type { Events } from "../events.ts";
import type { MasterKey } from "../secrets/master-key.ts";
import { leaseJobNamed, releaseJob, renewLease, type Job, type Lease } from "../store/jobs.ts";
import type { Store } from "../store/open.ts";
import type { Connection, Connector, Credentials, DayWindow } from "./connector.ts";
import { unsealCredentials } from "./credentials.ts";
import { baseUrlField } from "./form.ts";
import { createVendorHttp, type ClientOptions } from "./http.ts";
import { requireIntegration, syncJobOf, type Integration } from "./integrations.ts";
import type { UsageProviderKind } from "./kinds.ts";
import { planWindows, split } from "./plan.ts";
import { failureWords, noCounts, readCovered, type RunCounts } from "./run-log.ts";
import { runPull } from "./run.ts";
import type { ProviderTables } from "./tables.ts";

/** What the syncing of usage providers stands on. */
export interface SyncServices {
  readonly store: Store;
  readonly master: MasterKey;
  readonly clock: Clock;
  readonly events: Events;
  readonly findConnector: (kind: UsageProviderKind) => Connector | null;
  /** Whether credentials may name a local server in the vendor's place; for tests alone. */
  readonly baseUrlAllowed: boolean;
}

/** A process holds a sync for so long without a sign of life before another may take it. */
const leaseMs = 2 * 60_000;

const owner = `${hostname()}/${process.pid}/${newUuid()}`;

/** This process's claim to a job, from now on. */
export function leaseOf({ clock }: SyncServices): Lease {
  return { owner, now: clock.now(), leaseMs };
}

export function requireConnector({ findConnector }: SyncServices, kind: UsageProviderKind): Connector {
  const connector = findConnector(kind);
  if (connector !== null) return connector;
  throw new FlowstateError(
    "FS_INPUT_INVALID",
    `${kind} has no billing API to connect; import its bills instead`,
  );
}

/** Opens a connection with credentials in clear. Sends nothing yet. */
export function openConnection(
  services: SyncServices,
  connector: Connector,
  credentials: Credentials,
): Connection {
  const { clock, baseUrlAllowed } = services;
  const baseUrl = credentials[baseUrlField];
  if (baseUrl !== undefined && !baseUrlAllowed) {
    throw new FlowstateError(
      "FS_CONFIG_INVALID",
      "this usage provider was added with an address of its own, which takes FLOWSTATE_ALLOW_PROVIDER_BASE_URL=1",
    );
  }
  const override = baseUrl === undefined ? null : new URL(baseUrl.reveal());
  // A local server in the vendor's place has no pace that must be kept.
  const paced = (options: ClientOptions) =>
    override === null ? options : { ...options, perMinute: Number.POSITIVE_INFINITY };
  return connector.connect({
    credentials,
    clock,
    open: (options) => createVendorHttp(paced(options), { clock, override }),
  });
}

/** Pulls the named days now. Throws FS_CONFLICT while another sync of the same provider runs. */
export async function syncNow(
  services: SyncServices,
  orgId: OrgId,
  providerId: string,
  window: DayWindow,
  cause: ProviderTables["sync_runs"]["cause"],
  signal: AbortSignal,
): Promise<RunCounts> {
  const { store, clock } = services;
  const integration = await requireIntegration(store.reader, orgId, providerId, clock.now());
  const job = await store.transact((db) =>
    leaseJobNamed(db, orgId, syncJobOf(providerId), leaseOf(services)),
  );
  if (job === null)
    throw new FlowstateError("FS_CONFLICT", `a sync of "${integration.name}" is running already`);
  const { windowDays } = requireConnector(services, integration.kind).schedule;
  return pullHeld(services, integration, job, { windows: () => split(window, windowDays), cause }, signal);
}

/** Pulls what is due of a provider whose job this process has leased, and says when the next sync is. */
export async function syncDue(services: SyncServices, job: Job, signal: AbortSignal): Promise<void> {
  const { store, clock } = services;
  const providerId = job.name.slice(syncJobOf("").length);
  const integration = await requireIntegration(store.reader, job.orgId, providerId, clock.now());
  const { schedule } = requireConnector(services, integration.kind);
  const covered = await readCovered(store.reader, integration);
  const windows = (rereadDays: number) =>
    planWindows(covered, dateOf(clock.now()), { ...schedule, rereadDays });
  await pullHeld(services, integration, job, { windows, cause: "schedule" }, signal);
}

interface Pull {
  readonly windows: (rereadDays: number) => readonly DayWindow[];
  readonly cause: ProviderTables["sync_runs"]["cause"];
}

/** Pulls window after window under a lease, and gives the lease back. */
async function pullHeld(
  services: SyncServices,
  integration: Integration,
  job: Job,
  { windows, cause }: Pull,
  signal: AbortSignal,
): Promise<RunCounts> {
  const { store, clock, events } = services;
  const connector = requireConnector(services, integration.kind);
  const lost = new AbortController();
  const either = AbortSignal.any([signal, lost.signal]);
  const heartbeat = setInterval(() => {
    store
      .transact((db) => renewLease(db, job, leaseOf(services)))
      .then((held) => held || lost.abort(leaseLost(integration)))
      .catch(() => undefined);
  }, leaseMs / 4);
  let total = noCounts;
  let failure: unknown = null;
  try {
    const connection = openConnection(services, connector, credentialsOf(services, integration));
    const rereadDays = connection.rereadDays ?? connector.schedule.rereadDays;
    for (const window of windows(rereadDays)) {
      const counts = await runPull({
        store,
        now: clock.now,
        integration,
        connection,
        window,
        cause,
        rereadDays,
        hold: async (db) => {
          if (await renewLease(db, job, leaseOf(services))) return;
          lost.abort(leaseLost(integration));
          throw leaseLost(integration);
        },
        signal: either,
      });
      total = {
        lines: total.lines + counts.lines,
        added: total.added + counts.added,
        revised: total.revised + counts.revised,
        withdrawn: total.withdrawn + counts.withdrawn,
      };
    }
    return total;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    clearInterval(heartbeat);
    const stopped = either.aborted;
    const next = nextDue(connector, job, failure, clock.now(), stopped);
    await store.transact((db) => releaseJob(db, job, owner, next));
    events.providerSynced(
      integration.kind,
      stopped ? "stopped" : failure === null ? "done" : "failed",
      total,
      next.error,
    );
  }
}

function credentialsOf(
  { master }: SyncServices,
  { orgId, providerId, sealedCredentials }: Integration,
): Credentials {
  return sealedCredentials === null
    ? {}
    : unsealCredentials(sealedCredentials, { orgId, providerId }, master);
}

function leaseLost({ name }: Integration): FlowstateError {
  return new FlowstateError("FS_CONFLICT", `the sync of "${name}" was taken over or its provider removed`);
}

const firstRetryMs = 5 * 60_000;

/** A vendor out of reach is tried again sooner than the next regular sync, less and less often. */
function nextDue(
  { schedule }: Connector,
  { failures }: Job,
  failure: unknown,
  now: number,
  stopped: boolean,
): { readonly dueAt: number; readonly error: string | null } {
  if (stopped) return { dueAt: now, error: null };
  if (failure === null) return { dueAt: now + schedule.everyMs, error: null };
  const retryMs = Math.min(schedule.everyMs, firstRetryMs * 2 ** Math.min(failures, 10));
  return { dueAt: now + retryMs, error: failureWords(failure) };
}
