import type { Sqlite } from "@flowstate/shared/sqlite";
import { fewestBlank, mostBlankShare, type FormatCounts } from "@flowstate/shared/wire/format";
import type { Capture } from "../normalise/sighting.ts";

/** How far one format is understood: `seen` rows or events that look like calls, `blank` of which gave no usage. */
export interface FormatCount extends FormatCounts {
  /** The tool that writes it; of answers on the wire, the API. */
  readonly tool: string;
  /** Null where the tool does not say, and of an API. */
  readonly toolVersion: string | null;
  /** Who answered; null of logs and telemetry. */
  readonly host: string | null;
}

export interface FormatAlarm extends FormatCount {
  readonly capture: Capture;
}

/** What the control plane has not been told of a format, or not for a while. */
export interface DueFormat extends FormatAlarm {
  readonly agentVersion: string;
  /** UTC epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** An alarm in words. */
export function describeAlarm({ tool, toolVersion, host, capture, seen, blank }: FormatAlarm): string {
  const what =
    host === null
      ? `the ${capture === "otlp" ? "telemetry" : "log"} of ${tool} ${toolVersion ?? "(unknown version)"} is`
      : `what ${host} answers by the ${tool} API is`;
  return `${what} not understood: ${blank} of ${seen.toLocaleString("en-GB")} answers gave no usage`;
}

/** Counts for this version of the agent, which may understand what the one before did not. */
export interface FormatTable {
  add(capture: Capture, counts: readonly FormatCount[], now: number): void;
  /** Formats that are not understood any more. */
  alarms(): readonly FormatAlarm[];
  /** Formats whose counts have changed since they were told, `everyMs` ago or before they became an alarm. */
  due(now: number, everyMs: number): readonly DueFormat[];
  told(formats: readonly DueFormat[], now: number): void;
}

export const formatSchema = `
  CREATE TABLE IF NOT EXISTS format (
    agent_version TEXT NOT NULL,
    capture TEXT NOT NULL,
    tool TEXT NOT NULL,
    tool_version TEXT NOT NULL,
    host TEXT NOT NULL,
    seen INTEGER NOT NULL,
    blank INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    told_at INTEGER,
    told_seen INTEGER NOT NULL DEFAULT 0,
    told_blank INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (agent_version, capture, tool, tool_version, host)
  ) STRICT, WITHOUT ROWID;
`;

export function formatTable(db: Sqlite, agentVersion: string): FormatTable {
  const add = db.prepare(
    `INSERT INTO format (agent_version, capture, tool, tool_version, host, seen, blank, first_at, last_at)
     VALUES (@agentVersion, @capture, @tool, @toolVersion, @host, @seen, @blank, @now, @now)
     ON CONFLICT DO UPDATE SET seen = seen + excluded.seen, blank = blank + excluded.blank,
       last_at = max(last_at, excluded.last_at)`,
  );
  const alarms = db.prepare(
    `SELECT capture, tool, nullif(tool_version, '') AS toolVersion, nullif(host, '') AS host, seen, blank FROM format
     WHERE agent_version = ? AND blank >= ? AND blank > ? * seen ORDER BY tool, tool_version, host, capture`,
  );
  const due = db.prepare(
    `SELECT agent_version AS agentVersion, capture, tool, nullif(tool_version, '') AS toolVersion,
       nullif(host, '') AS host, seen, blank, first_at AS firstAt, last_at AS lastAt
     FROM format WHERE agent_version = @agentVersion AND seen > told_seen AND (
       told_at IS NULL OR abs(@now - told_at) >= @everyMs
       OR (blank >= @fewest AND blank > @share * seen)
         AND NOT (told_blank >= @fewest AND told_blank > @share * told_seen))`,
  );
  const setTold = db.prepare(
    `UPDATE format SET told_at = @now, told_seen = @seen, told_blank = @blank
     WHERE agent_version = @agentVersion AND capture = @capture AND tool = @tool AND tool_version = @toolVersion
       AND host = @host`,
  );
  const named = <T extends FormatCount>(format: T): T & { toolVersion: string; host: string } => ({
    ...format,
    toolVersion: format.toolVersion ?? "",
    host: format.host ?? "",
  });
  return {
    add: db.transaction((capture: Capture, counts: readonly FormatCount[], now: number) => {
      for (const count of counts) {
        if (count.seen > 0) add.run({ ...named(count), agentVersion, capture, now });
      }
    }),
    alarms: () => alarms.all(agentVersion, fewestBlank, mostBlankShare) as FormatAlarm[],
    due: (now, everyMs) =>
      due.all({ agentVersion, now, everyMs, fewest: fewestBlank, share: mostBlankShare }) as DueFormat[],
    told(formats, now) {
      for (const format of formats) setTold.run({ ...named(format), now });
    },
  };
}
