import type { Logger } from "@flowstate/shared/log";
import type { FormatAlarm } from "../ledger/formats.ts";

/** Says once of each format that it is not understood any more. */
export function createAlarms(log: Logger): { check(alarms: readonly FormatAlarm[]): void } {
  const said = new Set<string>();
  return {
    check(alarms) {
      for (const alarm of alarms) {
        const { tool, toolVersion, host, capture } = alarm;
        const key = `${capture} ${tool} ${toolVersion} ${host}`;
        if (said.has(key)) continue;
        said.add(key);
        log.warn(alarm, "a tool writes what this agent does not understand; calls of it may be missing");
      }
    },
  };
}
