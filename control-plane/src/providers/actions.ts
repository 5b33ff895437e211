import { FlowstateError } from "@flowstate/shared/errors";
import { addDays, dateOf, dayMs } from "@flowstate/shared/time";
import type { Connector, Credentials, DayWindow } from "./connector.ts";
import { demoSeedOf } from "./demo/connector.ts";
import { seedDemo, seedIncidents } from "./demo/seed.ts";
import { vendorError } from "./failure.ts";
import { parseCredentials } from "./form.ts";
import {
  insertIntegration,
  replaceCredentials,
  requireIntegration,
  type Integration,
  type IntegrationContext,
} from "./integrations.ts";
import type { UsageProviderKind } from "./kinds.ts";
import type { RunCounts } from "./run-log.ts";
import { openConnection, requireConnector, syncNow, type SyncServices } from "./sync.ts";

/** Days of telemetry that come with the demo: as many as its bill goes back. */
export const demoDays = 180;

export interface CredentialInput {
  readonly name: string;
  readonly value: string;
}

export interface NewProvider {
  readonly kind: UsageProviderKind;
  /** Shown in lists; the kind's own label where it is null. */
  readonly name: string | null;
  readonly inputs: readonly CredentialInput[];
}

/** What a proof of credentials found. */
interface Proven {
  readonly credentials: Credentials;
  readonly account: string | null;
  /** Lines of the last 24 hours. None is no failure: most vendors are a day or two behind. */
  readonly lines: number;
}

interface Added {
  readonly integration: Integration;
  /** Of the bill, in the last 24 hours. */
  readonly lines: number;
}

/** Connects a provider. The demo's telemetry comes with it, because no device will send any. */
export async function addProvider(
  services: SyncServices,
  context: IntegrationContext,
  asked: NewProvider,
  signal: AbortSignal,
): Promise<Added> {
  const { store, clock } = services;
  const { credentials, ...added } = await connectProvider(services, context, asked, signal);
  if (asked.kind === "DEMO") {
    const seed = demoSeedOf(credentials);
    const given = { orgId: context.orgId, seed, days: demoDays, now: clock.now() };
    await seedDemo(store, given);
    await seedIncidents(store, given);
  }
  return added;
}

/**
 * Connects a provider and nothing else: its credentials are proven by pulling the last 24 hours, and only then is
 * anything stored. Throws FS_INPUT_INVALID for the form, FS_UPSTREAM with the provider's own words.
 */
export async function connectProvider(
  services: SyncServices,
  context: IntegrationContext,
  { kind, name, inputs }: NewProvider,
  signal: AbortSignal,
): Promise<Added & { readonly credentials: Credentials }> {
  const { store, master, clock } = services;
  const connector = requireConnector(services, kind);
  const shown = requireName(name ?? connector.label);
  const { lines, ...proven } = await prove(services, connector, inputs, signal);
  const providerId = await store.transact((db) =>
    insertIntegration(db, context, { kind, name: shown, ...proven }, master),
  );
  const integration = await requireIntegration(store.reader, context.orgId, providerId, clock.now());
  return { integration, lines, credentials: proven.credentials };
}

/** Puts new credentials in the place of the old ones, once they are proven; until then the old ones stay. */
export async function rotateCredentials(
  services: SyncServices,
  context: IntegrationContext,
  providerId: string,
  inputs: readonly CredentialInput[],
  signal: AbortSignal,
): Promise<Integration> {
  const { store, master, clock } = services;
  const before = await requireIntegration(store.reader, context.orgId, providerId, clock.now());
  const proven = await prove(services, requireConnector(services, before.kind), inputs, signal);
  await store.transact((db) => replaceCredentials(db, context, providerId, proven, master));
  return requireIntegration(store.reader, context.orgId, providerId, clock.now());
}

/** A single-day sync of the last day that is over. */
export async function testProvider(
  services: SyncServices,
  { orgId }: IntegrationContext,
  providerId: string,
  signal: AbortSignal,
): Promise<RunCounts & { readonly window: DayWindow }> {
  const yesterday = addDays(dateOf(services.clock.now()), -1);
  const window = { from: yesterday, until: yesterday };
  return { ...(await syncNow(services, orgId, providerId, window, "test", signal)), window };
}

async function prove(
  services: SyncServices,
  connector: Connector,
  inputs: readonly CredentialInput[],
  signal: AbortSignal,
): Promise<Proven> {
  const parsed = parseCredentials(connector.fields, inputs, services);
  if (!parsed.ok) throw new FlowstateError("FS_INPUT_INVALID", parsed.detail);
  const credentials = parsed.value;
  const connection = openConnection(services, connector, credentials);
  const now = services.clock.now();
  const window = { from: dateOf(now - dayMs), until: dateOf(now) };
  const deadline = AbortSignal.timeout(proofMs);
  const either = AbortSignal.any([signal, deadline]);
  try {
    const { account } = await connection.probe(either);
    let lines = 0;
    for await (const pulled of connection.pull(window, either)) lines += Number(pulled.type === "line");
    return { credentials, account, lines };
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error;
    throw vendorError("unreachable", `${connector.label} did not answer within ${proofMs / 1000} s`, {
      cause: error,
    });
  }
}

/** Somebody waits in front of a form. */
const proofMs = 120_000;

function requireName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === "" || trimmed.length > 100) {
    throw new FlowstateError("FS_INPUT_INVALID", "a usage provider's name takes 1 to 100 characters");
  }
  return trimmed;
}
