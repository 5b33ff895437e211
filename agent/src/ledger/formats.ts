import type { Sqlite } from "@flowstate/shared/sqlite";
import type { Capture } from "../normalise/sighting.ts";
import { version as agentVersion } from "../version.ts";

/** How far the format of one version of a tool is understood. */
export interface FormatCount {
  readonly tool: string;
  /** Null where the tool does not say. */
  readonly toolVersion: string | null;
  /** Rows or events that look like calls. */
  readonly seen: number;
  /** Those of them that gave no usage. */
  readonly blank: number;
}

export interface FormatAlarm extends FormatCount {
  readonly capture: Capture;
}

/** An alarm in words. */
export function describeAlarm({ tool, toolVersion, capture, seen, blank }: FormatAlarm): string {
  const source = capture === "otlp" ? "telemetry" : "log";
  const answers = seen.toLocaleString("en-GB");
  return `the ${source} of ${tool} ${toolVersion ?? "(unknown version)"} is not understood: ${blank} of ${answers} answers gave no usage`;
}

/** Counts for this version of the agent, which may understand what the one before did not. */
export interface FormatTable {
  add(capture: Capture, counts: readonly FormatCount[]): void;
  /** Formats that are not understood any more: more than one row in twenty gives nothing. */
  alarms(): readonly FormatAlarm[];
}

/** Fewer rows without usage may be errors of their own. */
export const fewestBlank = 20;
const mostShare = 0.05;

export const formatSchema = `
  CREATE TABLE IF NOT EXISTS format (
    agent_version TEXT NOT NULL,
    capture TEXT NOT NULL,
    tool TEXT NOT NULL,
    tool_version TEXT NOT NULL,
    seen INTEGER NOT NULL,
    blank INTEGER NOT NULL,
    PRIMARY KEY (agent_version, capture, tool, tool_version)
  ) STRICT, WITHOUT ROWID;
`;

export function formatTable(db: Sqlite): FormatTable {
  const add = db.prepare(
    `INSERT INTO format (agent_version, capture, tool, tool_version, seen, blank) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET seen = seen + excluded.seen, blank = blank + excluded.blank`,
  );
  const blank = db.prepare(
    `SELECT capture, tool, nullif(tool_version, '') AS toolVersion, seen, blank FROM format
     WHERE agent_version = ? AND blank >= ? AND blank > ? * seen ORDER BY tool, tool_version, capture`,
  );
  return {
    add(capture, counts) {
      for (const { tool, toolVersion, seen, blank: none } of counts) {
        if (seen > 0) add.run(agentVersion, capture, tool, toolVersion ?? "", seen, none);
      }
    },
    alarms: () => blank.all(agentVersion, fewestBlank, mostShare) as FormatAlarm[],
  };
}
