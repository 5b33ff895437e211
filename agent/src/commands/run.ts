import { createLogger } from "@flowstate/shared/log";
import type { DaemonConfig } from "../daemon-config.ts";
import { openLogFile } from "../local/log-file.ts";
import { windowsService } from "../machine/service.ts";
import { startDaemon } from "../run/daemon.ts";
import { signalHost, type Host } from "../run/host.ts";
import { startLean } from "../run/lean-start.ts";

export interface RunFlags {
  /** Started by a service manager, which would keep standard error without a bound. */
  readonly service?: boolean;
}

/** `flowstate run`: the daemon in the foreground, until a signal or the service manager stops it. */
export async function runDaemon(
  config: DaemonConfig,
  { service = false }: RunFlags,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  startLean(env);
  const file = openLogFile(config.dataFolder);
  const log = createLogger("agent", config.logLevel, {
    write(line) {
      file.write(line);
      if (!service) process.stderr.write(line);
    },
  });
  const host = await hostOf(service);
  let failed = true;
  try {
    await using daemon = await startDaemon(config, { log });
    host.started();
    process.send?.({ type: "ready", relay: daemon.relay });
    await host.stop;
    failed = false;
  } finally {
    host.ended(failed);
  }
}

async function hostOf(service: boolean): Promise<Host> {
  if (!service || process.platform !== "win32") return signalHost();
  const { joinServiceManager } = await import("../run/windows-host.ts");
  return (await joinServiceManager(windowsService)) ?? signalHost();
}
