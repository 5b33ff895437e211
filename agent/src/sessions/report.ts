import { must } from "@flowstate/shared/assert";
import { parseUsd, zeroUsd } from "@flowstate/shared/money";
import type { CallEvent } from "@flowstate/shared/wire/call";
import type { Report } from "../scan/report.ts";
import { addUsage, noUsage, type Usage } from "../scan/usage.ts";

/** A call as it is told, under the conversation it belongs to. */
export type SessionCall = Pick<
  CallEvent,
  "tool" | "occurredAt" | "provider" | "model" | "tokens" | "outputTrust" | "costUsd"
> & { readonly sessionId: string | null; readonly project: string | null };

interface Session {
  readonly firstAt: string;
  readonly lastAt: string;
  readonly calls: readonly [SessionCall, ...SessionCall[]];
}

/** The latest conversations first, at most `limit`, each with what its calls used; totals are those of the rows. */
export function sessionsReport(calls: readonly SessionCall[], limit: number): Report {
  const latest = sessionsOf(calls)
    .sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1))
    .slice(0, limit);
  const rows = latest.map(({ calls, firstAt, lastAt }) => {
    const { tool, project, sessionId } = calls[0];
    return {
      labels: { lastAt, firstAt, tool, project, session: sessionId },
      usage: sum(calls.map(usageOf)),
    };
  });
  return {
    by: "session",
    rows,
    totals: sum(rows.map(({ usage }) => usage)),
    unpricedModels: unpricedOf(latest.flatMap(({ calls }) => calls)),
  };
}

/** Calls without a name of their conversation are one of their tool and project. */
function sessionsOf(calls: readonly SessionCall[]): Session[] {
  const groups = Map.groupBy(calls, ({ tool, sessionId, project }) =>
    JSON.stringify([tool, sessionId, sessionId === null ? project : null]),
  );
  return [...groups.values()].map((group) => {
    const [first, ...others] = group.sort((a, b) => (a.occurredAt < b.occurredAt ? -1 : 1));
    const calls = [must(first, "a group without a call"), ...others] as const;
    return { calls, firstAt: calls[0].occurredAt, lastAt: (calls.at(-1) ?? calls[0]).occurredAt };
  });
}

function usageOf({ tokens, costUsd, outputTrust }: SessionCall): Usage {
  const cost = costUsd === null ? null : parseUsd(costUsd);
  const output = tokens.output ?? 0;
  return {
    calls: 1,
    input: tokens.input ?? 0,
    output,
    cacheRead: tokens.cacheRead ?? 0,
    cacheWrite: (tokens.cacheWrite5m ?? 0) + (tokens.cacheWrite1h ?? 0),
    costNanoUsd: cost?.ok === true ? cost.value : zeroUsd,
    unpricedCalls: cost?.ok === true ? 0 : 1,
    outputByTrust: { ...noUsage.outputByTrust, [outputTrust]: output },
  };
}

function sum(usages: readonly Usage[]): Usage {
  return usages.reduce(addUsage, noUsage);
}

function unpricedOf(calls: readonly SessionCall[]): Report["unpricedModels"] {
  const models = new Map<string, Report["unpricedModels"][number]>();
  for (const { provider, model, costUsd } of calls) {
    const key = `${provider}\n${model}`;
    if (costUsd === null) models.set(key, { provider, model, calls: (models.get(key)?.calls ?? 0) + 1 });
  }
  return [...models.values()].sort((a, b) => b.calls - a.calls);
}
