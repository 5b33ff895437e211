import { watchJobs } from "../store/watch-jobs.ts";
import { forecastJob, makeForecasts, type RefreshServices } from "./forecast/refresh.ts";

/** Makes every organisation's forecasts each night, and at once for one that has none, until `signal` aborts. */
export function watchInsights(
  services: RefreshServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  return watchJobs(
    services,
    {
      name: forecastJob,
      pollMs: 60_000,
      leaseMs: 600_000,
      firstDueAt: (now) => now,
      run: (job, owner) => makeForecasts(services, job, owner, true),
    },
    signal,
    onError,
  );
}
