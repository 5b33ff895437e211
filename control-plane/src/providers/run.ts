import { newId } from "@flowstate/shared/ids";
import { addDays, dateOf } from "@flowstate/shared/time";
import { loadPeopleOf, sortPulled, writeBatch } from "../billing/batch.ts";
import { dropUnseenUsage, settleBefore } from "../billing/close-pull.ts";
import { loadRates } from "../billing/exchange.ts";
import type { LineSource } from "../billing/line-row.ts";
import type { Store, Writer } from "../store/open.ts";
import type { Connection, DayWindow, Pulled } from "./connector.ts";
import type { Integration } from "./integrations.ts";
import { addCounts, beginRun, endRun, failRun, noteProgress, noCounts, type RunCounts } from "./run-log.ts";
import type { ProviderTables } from "./tables.ts";

/** What one pull is told. */
export interface RunContext {
  readonly store: Store;
  readonly now: () => number;
  readonly integration: Integration;
  readonly connection: Connection;
  readonly window: DayWindow;
  readonly cause: ProviderTables["sync_runs"]["cause"];
  /** Days before today up to which the vendor still restates its bill. */
  readonly rereadDays: number;
  /** Comes first in every transaction; throws when another process has taken over. */
  readonly hold: (db: Writer) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Pulls one window and stores it in batches, each in a transaction of its own. Killed at any point and run again, it
 * ends in the same rows; lines are withdrawn only once their feed has been read to its end. Throws what the connector
 * throws, once it stands with the run and the integration.
 */
export async function runPull(context: RunContext): Promise<RunCounts> {
  const { connection, window, signal } = context;
  const startedAt = context.now();
  const run = { ...context.integration, syncId: newId(startedAt), cause: context.cause, window };
  await inStep(context, (db) => beginRun(db, run, startedAt));
  try {
    const begun = { source: await loadSource(context, startedAt), counts: noCounts };
    let state: PullState = begun;
    for await (const items of inBatches(connection.pull(window, signal), batchSize)) {
      signal.throwIfAborted();
      state = await writeStep(context, run.syncId, state, items);
    }
    const { source, counts } = state;
    await inStep(context, async (db) => {
      const now = context.now();
      await dropUnseenUsage(db, source, window);
      await settleBefore(db, source, addDays(dateOf(now), -context.rereadDays));
      await endRun(db, run, now);
    });
    return counts;
  } catch (error) {
    await failRun(context.store, run, error, { stopped: signal.aborted, now: context.now() });
    throw error;
  }
}

const batchSize = 1000;

interface PullState {
  readonly source: LineSource;
  readonly counts: RunCounts;
}

async function writeStep(
  context: RunContext,
  syncId: string,
  { source, counts }: PullState,
  items: readonly Pulled[],
): Promise<PullState> {
  const { store, window } = context;
  return inStep(context, async (db) => {
    const current = { ...source, now: context.now() };
    const { people, ...written } = await writeBatch(db, store.engine, current, sortPulled(items), window);
    const total = addCounts(counts, written);
    await noteProgress(db, source.orgId, syncId, total);
    return { source: { ...current, people }, counts: total };
  });
}

function inStep<T>({ store, hold }: RunContext, run: (db: Writer) => Promise<T>): Promise<T> {
  return store.transact(async (db) => {
    await hold(db);
    return run(db);
  });
}

async function loadSource({ store, integration }: RunContext, startedAt: number): Promise<LineSource> {
  const { orgId, providerId, kind } = integration;
  return {
    orgId,
    providerId,
    kind,
    importId: null,
    seenAt: startedAt,
    now: startedAt,
    rates: await loadRates(store.reader, orgId),
    people: await loadPeopleOf(store.reader, orgId, kind),
  };
}

async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
