import { untilSignal } from "@flowstate/shared/lifecycle";
import type { DaemonConfig } from "../config.ts";
import { startDaemon } from "../run/daemon.ts";

/** `flowstate run`: the daemon in the foreground, until a signal. */
export async function runDaemon(config: DaemonConfig): Promise<void> {
  const stopped = untilSignal();
  await using daemon = await startDaemon(config);
  process.send?.({ type: "ready", relay: daemon.relay });
  await stopped;
}
