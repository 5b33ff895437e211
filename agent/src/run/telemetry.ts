import { describeError } from "@flowstate/shared/cli";
import type { Clock } from "@flowstate/shared/clock";
import { background } from "@flowstate/shared/lifecycle";
import type { Logger } from "@flowstate/shared/log";
import type { Ledger } from "../ledger/ledger.ts";
import type { DaemonStatus } from "../local/status.ts";
import { createChecksum } from "../observe/otlp/checksum.ts";
import { startReceiver, type Receiver, type ReceiverOptions } from "../observe/otlp/server.ts";
import type { Admits } from "../relay/peer.ts";

/** Tools' OpenTelemetry, received into the ledger. */
export interface Telemetry extends AsyncDisposable {
  status(): DaemonStatus["telemetry"];
}

export interface TelemetryOptions {
  readonly port: number;
  /** How long to wait before a port that was taken is tried again. */
  readonly retryMs: number;
  readonly ledger: Ledger;
  /** Whether a connection may be served; null where every one may. */
  readonly admits: Admits | null;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Starts the receiver. Where its port is taken, by another collector mostly, everything else goes on without it until it
 * is free.
 */
export async function receiveTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { port, retryMs, ledger, admits, log, clock } = options;
  const checksum = createChecksum();
  let calls = 0;
  let receiver: Receiver | null = null;
  let problem: string | null = null;

  const take: ReceiverOptions["onRequest"] = async (signal, request) => {
    const [{ readEvents, readPoints }, { readCalls }] = await Promise.all([
      import("../observe/otlp/records.ts"),
      import("../observe/otlp/read.ts"),
    ]);
    if (signal === "metrics") return checksum.points(readPoints(request));
    const { sightings, formats } = readCalls(readEvents(request));
    ledger.transact(() => {
      ledger.calls.note(sightings, clock.now());
      ledger.formats.add("otlp", formats, clock.now());
    });
    checksum.calls(sightings);
    calls += sightings.length;
  };
  const start = async (): Promise<boolean> => {
    try {
      receiver = await startReceiver({ port, admits, log, onRequest: take });
      problem = null;
    } catch (error) {
      if (problem === null) log.warn({ err: error }, "OpenTelemetry is not received yet");
      problem = describeError(error);
    }
    return receiver !== null;
  };
  const isStarted = await start();
  const starting = background(async (signal) => {
    for (let done = isStarted; !done;) {
      await clock.sleep(retryMs, signal);
      done = signal.aborted || (await start());
    }
  });
  return {
    status: () => ({
      address: receiver?.address ?? null,
      problem,
      calls,
      refused: receiver?.refused() ?? 0,
      checksum: checksum.read(),
    }),
    async [Symbol.asyncDispose]() {
      await starting[Symbol.asyncDispose]();
      await receiver?.[Symbol.asyncDispose]();
    },
  };
}
