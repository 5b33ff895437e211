import type { SniOutcome } from "@flowstate/shared/wire/meter";
import { mostHelloBytes, parseClientHello } from "@flowstate/shared/tls/client-hello";
import { classifySni } from "./sni.ts";
import { createTurns, readClientBytes, readServerBytes } from "./turns.ts";

/** `turns/v1` is exact where the client offers HTTP/1.1 alone; `turns/v1+h2` may be HTTP/2, whose streams overlap. */
export type EstimateMethod = "turns/v1" | "turns/v1+h2";

/** What the ciphertext of one tunnel shows: sums alone, nothing of a single record. */
export interface Observation {
  readonly estimatedRequests: number;
  readonly method: EstimateMethod;
  /** Null until the first flight is complete. */
  readonly sni: SniOutcome | null;
  fromClient(bytes: Uint8Array): void;
  fromServer(bytes: Uint8Array): void;
}

const nothing = new Uint8Array();

/** Watches one tunnel to `host`. Costs a few numbers, and until the first flight is complete its bytes, 16 KiB at most. */
export function observeTunnel(host: string): Observation {
  const turns = createTurns();
  let flight: Uint8Array | null = nothing;
  let sni: SniOutcome | null = null;
  let method: EstimateMethod = "turns/v1";
  const readHello = (bytes: Uint8Array, first: Uint8Array): void => {
    const more = bytes.subarray(0, mostHelloBytes - first.length);
    flight = first.length === 0 ? more : Buffer.concat([first, more]);
    const hello = parseClientHello(flight);
    if (hello.kind === "incomplete" && flight.length < mostHelloBytes) return;
    flight = null;
    sni = classifySni(host, hello.kind === "incomplete" ? { kind: "not_tls" } : hello);
    if (hello.kind === "hello" && hello.offersHttp2) method = "turns/v1+h2";
  };
  return {
    get estimatedRequests() {
      return turns.requests;
    },
    get method() {
      return method;
    },
    get sni() {
      return sni;
    },
    fromClient(bytes) {
      if (flight !== null) readHello(bytes, flight);
      if (turns.readable) readClientBytes(turns, bytes);
    },
    fromServer(bytes) {
      if (turns.readable) readServerBytes(turns, bytes);
    },
  };
}
