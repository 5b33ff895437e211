import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { dateOf } from "@flowstate/shared/time";
import type { Events } from "../events.ts";
import type { MasterKey } from "../secrets/master-key.ts";
import { leaseJobNamed, readDueAt, releaseJob, type Job } from "../store/jobs.ts";
import type { Store } from "../store/open.ts";
import type { Connection, Connector, Credentials, DayWindow } from "./connector.ts";
import { unsealCredentials } from "./credentials.ts";
import { baseUrlField } from "./form.ts";
import { createVendorHttp, type ClientOptions } from "./http.ts";
import { requireIntegration, syncJobOf, type Integration } from "./integrations.ts";
import type { UsageProviderKind } from "./kinds.ts";
import { holdJob, leaseOf, type HeldJob } from "./lease.ts";
import { planWindows, split } from "./plan.ts";
import { addCounts, failureWords, noCounts, readCovered, type RunCounts } from "./run-log.ts";
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
  const connector = requireConnector(services, integration.kind);
  const lease = leaseOf(services);
  const job = await store.transact((db) => leaseJobNamed(db, orgId, syncJobOf(providerId), lease));
  if (job === null) {
    throw new FlowstateError("FS_CONFLICT", `a sync of "${integration.name}" is running already`);
  }
  const windows = () => split(window, connector.schedule.windowDays);
  // What is due stays due: these days say nothing of the others.
  const dueAt = (known: number, next: number) => Math.min(known, next);
  return pullHeld(services, { integration, connector, job, windows, cause, dueAt }, signal);
}

/** Pulls what is due of a provider whose job this process has leased, and says when the next sync is. */
export async function syncDue(services: SyncServices, job: Job, signal: AbortSignal): Promise<void> {
  const { store, clock } = services;
  const providerId = job.name.slice(syncJobOf("").length);
  const integration = await requireIntegration(store.reader, job.orgId, providerId, clock.now());
  const connector = requireConnector(services, integration.kind);
  const covered = await readCovered(store.reader, integration);
  const startedAt = clock.now();
  const windows = (rereadDays: number) =>
    planWindows(covered, dateOf(clock.now()), { ...connector.schedule, rereadDays });
  const pull = {
    integration,
    connector,
    job,
    windows,
    cause: "schedule",
    // New credentials that came meanwhile ask for a sync of their own.
    dueAt: (known: number, next: number) => (known > startedAt ? Math.min(known, next) : next),
  } as const;
  await pullHeld(services, pull, signal);
}

interface Pull {
  readonly integration: Integration;
  readonly connector: Connector;
  readonly job: Job;
  readonly windows: (rereadDays: number) => readonly DayWindow[];
  readonly cause: ProviderTables["sync_runs"]["cause"];
  /** When the provider is due, given what stands there by now and when it would be by this sync alone. */
  readonly dueAt: (known: number, next: number) => number;
}

/** Pulls window after window under a lease, gives the lease back, and tells what came of it. */
async function pullHeld(services: SyncServices, pull: Pull, signal: AbortSignal): Promise<RunCounts> {
  const { store, clock, events } = services;
  const { integration, connector, job, dueAt } = pull;
  using held = holdJob(services, job, signal);
  const progress = { counts: noCounts };
  let failure: unknown = null;
  try {
    await pullWindows(
      services,
      pull,
      held,
      (counts) => (progress.counts = addCounts(progress.counts, counts)),
    );
    return progress.counts;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    const stopped = held.signal.aborted;
    const error = failure === null || stopped ? null : failureWords(failure);
    const next = stopped ? clock.now() : clock.now() + waitMs(connector, job, error);
    const { owner } = leaseOf(services);
    await store.transact(async (db) => {
      const known = await readDueAt(db, job);
      await releaseJob(db, job, owner, { dueAt: dueAt(known ?? next, next), error });
    });
    const outcome = stopped ? "stopped" : error === null ? "done" : "failed";
    events.providerSynced(integration.kind, outcome, progress.counts, error);
  }
}

async function pullWindows(
  services: SyncServices,
  { integration, connector, windows, cause }: Pull,
  { hold, signal }: HeldJob,
  onWindow: (counts: RunCounts) => void,
): Promise<void> {
  const { store, clock } = services;
  const connection = openConnection(services, connector, credentialsOf(services, integration));
  const rereadDays = connection.rereadDays ?? connector.schedule.rereadDays;
  const shared = { store, now: clock.now, integration, connection, cause, rereadDays, hold, signal };
  for (const window of windows(rereadDays)) onWindow(await runPull({ ...shared, window }));
}

function credentialsOf(
  { master }: SyncServices,
  { orgId, providerId, sealedCredentials }: Integration,
): Credentials {
  if (sealedCredentials === null) return {};
  return unsealCredentials(sealedCredentials, { orgId, providerId }, master);
}

const firstRetryMs = 5 * 60_000;

/** Until the next regular sync; a vendor out of reach is tried again sooner, and less and less often. */
function waitMs({ schedule }: Connector, { failures }: Job, error: string | null): number {
  if (error === null) return schedule.everyMs;
  return Math.min(schedule.everyMs, firstRetryMs * 2 ** Math.min(failures, 10));
}
