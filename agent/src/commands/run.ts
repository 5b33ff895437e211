import { createLogger } from "@flowstate/shared/log";
import { untilSignal } from "@flowstate/shared/lifecycle";
import type { DaemonConfig } from "../config.ts";
import { openLogFile } from "../local/log-file.ts";
import { startDaemon } from "../run/daemon.ts";
import { startLean } from "../run/lean-start.ts";

export interface RunFlags {
  /** Started by a service manager, which would keep standard error without a bound. */
  readonly service?: boolean;
}

/** `flowstate run`: the daemon in the foreground, until a signal. */
export async function runDaemon(
  config: DaemonConfig,
  { service = false }: RunFlags,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  startLean(env);
  const stopped = untilSignal();
  const file = openLogFile(config.dataFolder);
  const log = createLogger("agent", config.logLevel, {
    write(line) {
      file.write(line);
      if (!service) process.stderr.write(line);
    },
  });
  await using daemon = await startDaemon(config, { log });
  process.send?.({ type: "ready", relay: daemon.relay });
  await stopped;
}
