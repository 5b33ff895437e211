import { describeError } from "@flowstate/shared/cli";
import type { Logger } from "@flowstate/shared/log";
import type { Ledger } from "../ledger/ledger.ts";
import type { DaemonStatus } from "../local/status.ts";
import { createChecksum } from "../observe/otlp/checksum.ts";
import { readCalls } from "../observe/otlp/read.ts";
import { readEvents, readPoints } from "../observe/otlp/records.ts";
import { startReceiver, type Receiver } from "../observe/otlp/server.ts";

/** Tools' OpenTelemetry, received into the ledger. */
export interface Telemetry extends AsyncDisposable {
  status(): DaemonStatus["telemetry"];
}

export interface TelemetryOptions {
  readonly port: number;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly now: () => number;
}

/** Starts the receiver. Where its port is taken, by another collector mostly, everything else goes on without it. */
export async function receiveTelemetry({ port, ledger, log, now }: TelemetryOptions): Promise<Telemetry> {
  const checksum = createChecksum();
  let calls = 0;
  let receiver: Receiver | null = null;
  let problem: string | null = null;
  try {
    receiver = await startReceiver({
      port,
      log,
      onRequest(signal, request) {
        if (signal === "metrics") return checksum.points(readPoints(request));
        const { sightings, formats } = readCalls(readEvents(request));
        ledger.transact(() => {
          ledger.calls.note(sightings, now());
          ledger.formats.add("otlp", formats);
        });
        checksum.calls(sightings);
        calls += sightings.length;
      },
    });
  } catch (error) {
    problem = describeError(error);
    log.warn({ problem }, "OpenTelemetry is not received");
  }
  return {
    status: () => ({
      address: receiver?.address ?? null,
      problem,
      calls,
      refused: receiver?.refused() ?? 0,
      checksum: checksum.read(),
    }),
    [Symbol.asyncDispose]: async () => receiver?.[Symbol.asyncDispose](),
  };
}
