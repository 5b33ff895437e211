import { existsSync } from "node:fs";
import { join } from "node:path";
import { printJson } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import { projectOf } from "../attribute/project.ts";
import type { Config } from "../config.ts";
import { eventOf } from "../run/event.ts";
import { readLedger } from "../ledger/read.ts";
import { reportJson, type Report } from "../scan/report.ts";
import { renderTable } from "../scan/table.ts";
import { sessionsReport } from "../sessions/report.ts";

export interface SessionsFlags {
  readonly limit: number;
  readonly json?: boolean;
}

/** `flowstate sessions`: the latest conversations in the daemon's ledger, which also holds what logs no longer do. */
export function runSessions({ limit, json = false }: SessionsFlags, { dataFolder }: Config): void {
  const file = join(dataFolder, "ledger.db");
  if (!existsSync(file))
    throw new FlowstateError(
      "FS_NOT_FOUND",
      `no agent has run with the data folder ${dataFolder}; \`flowstate scan --by session\` reads the logs themselves`,
    );
  const labels = new Map<string, string>();
  const labelOf = (cwd: string): string => {
    const label = labels.get(cwd) ?? projectOf(cwd).label;
    labels.set(cwd, label);
    return label;
  };
  const calls = readLedger(file).map(({ call, session }) => {
    const event = eventOf(call, labelOf);
    return { ...event, sessionId: event.sessionId ?? session };
  });
  const report = sessionsReport(calls, limit);
  if (json) printJson(reportJson(report));
  else process.stdout.write(renderTable(forTerminal(report)));
}

/** One instant a row, to the minute: a terminal is narrow. */
function forTerminal(report: Report): Report {
  return {
    ...report,
    rows: report.rows.map(({ labels: { lastAt, tool, project, session }, usage }) => ({
      labels: {
        "last (UTC)": lastAt?.slice(0, 16).replace("T", " ") ?? null,
        tool: tool ?? null,
        project: project ?? null,
        session: session ?? null,
      },
      usage,
    })),
  };
}
