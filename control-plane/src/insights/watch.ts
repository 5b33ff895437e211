import { randomUUID } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import { listOrgs } from "../orgs/orgs.ts";
import { hasDueJob, leaseJob, scheduleJob } from "../store/jobs.ts";
import type { Reader, Writer } from "../store/open.ts";
import { forecastJob, makeForecasts, type RefreshServices } from "./forecast/refresh.ts";

const pollMs = 60_000;
const leaseMs = 600_000;

/** Makes every organisation's forecasts each night, and at once for one that has none, until `signal` aborts. */
export async function watchInsights(
  services: RefreshServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const { store, clock } = services;
  const owner = randomUUID();
  while (!signal.aborted) {
    try {
      await scheduleNew(services);
      while (!signal.aborted && (await hasDueJob(store.reader, clock.now(), forecastJob))) {
        const now = clock.now();
        const job = await store.transact((db) => leaseJob(db, { owner, now, leaseMs }, forecastJob));
        if (job === null) break;
        await makeForecasts(services, job, owner, true);
      }
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pollMs, signal);
  }
}

async function scheduleNew({ store, clock }: RefreshServices): Promise<void> {
  for (const { orgId } of await listOrgs(store.reader)) {
    if (await hasJob(store.reader, orgId)) continue;
    await store.transact(async (db: Writer) => {
      if (!(await hasJob(db, orgId))) await scheduleJob(db, orgId, forecastJob, clock.now());
    });
  }
}

async function hasJob(db: Reader, orgId: OrgId): Promise<boolean> {
  const row = await db
    .selectFrom("jobs")
    .select("name")
    .where("org_id", "=", orgId)
    .where("name", "=", forecastJob)
    .executeTakeFirst();
  return row !== undefined;
}
