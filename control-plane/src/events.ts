import type { Logger } from "@flowstate/shared/log";
import type { IngestAnswer } from "@flowstate/shared/wire/call";
import type { RunCounts } from "./providers/run-log.ts";

/** A number that only grows, by the few labels that tell its kinds apart. Labels never name a person. */
export interface Counter {
  readonly name: string;
  readonly help: string;
  /** Label text, as in `outcome="accepted"`, to value. */
  readonly values: ReadonlyMap<string, number>;
}

export type SignInOutcome = "signed_in" | "wrong" | "refused" | "throttled" | "bad_link";

export type SyncOutcome = "done" | "failed" | "stopped";

export type DeliveryOutcome = "accepted" | "refused" | "unreachable" | "given_up";

/** Facts worth counting: each moves a counter and, where somebody may have to act, writes a line. */
export interface Events {
  requestAnswered(method: string, route: string, status: number): void;
  meterTaken(keyId: string, source: string, answer: IngestAnswer): void;
  callsTaken(source: string, answer: IngestAnswer): void;
  signInTried(outcome: SignInOutcome): void;
  identityProviderFailed(detail: string): void;
  providerSynced(kind: string, outcome: SyncOutcome, counts: RunCounts, error: string | null): void;
  /** Moves the counter by one delivery, or by as many as were given up together. */
  signalDelivered(outcome: DeliveryOutcome, count?: number): void;
  readonly counters: readonly Counter[];
}

export function createEvents(log: Logger): Events {
  const requests = counter("flowstate_http_requests_total", "Requests answered, by route.");
  const rows = counter("flowstate_meter_rows_total", "Meter rows received, by what became of them.");
  const calls = counter("flowstate_calls_total", "Calls that devices reported, by what became of them.");
  const signIns = counter("flowstate_sign_ins_total", "Attempts to sign in, by outcome.");
  const syncs = counter("flowstate_provider_syncs_total", "Syncs of usage providers, by outcome.");
  const deliveries = counter("flowstate_signal_deliveries_total", "Deliveries of signals, by outcome.");
  const lines = counter("flowstate_billing_lines_total", "Lines of bills, by what became of them.");
  return {
    counters: [requests, rows, calls, signIns, syncs, lines, deliveries],
    requestAnswered: (method, route, status) => {
      requests.add(`method="${method}",route="${route}",status="${status}"`, 1);
    },
    meterTaken: (keyId, source, { accepted, duplicates, rejected }) => {
      rows.add('outcome="accepted"', accepted);
      rows.add('outcome="duplicate"', duplicates);
      rows.add('outcome="rejected"', rejected.length);
      const [first] = rejected;
      if (first !== undefined) {
        log.warn({ keyId, source, rejected: rejected.length, reason: first.reason }, "meter rows rejected");
      }
    },
    callsTaken: (source, { accepted, duplicates, rejected }) => {
      calls.add('outcome="accepted"', accepted);
      calls.add('outcome="duplicate"', duplicates);
      calls.add('outcome="rejected"', rejected.length);
      const [first] = rejected;
      if (first !== undefined) {
        log.warn({ source, rejected: rejected.length, reason: first.reason }, "calls rejected");
      }
    },
    signalDelivered: (outcome, count = 1) => deliveries.add(`outcome="${outcome}"`, count),
    signInTried: (outcome) => {
      signIns.add(`outcome="${outcome}"`, 1);
      if (outcome === "throttled") log.warn("an attempt to sign in was refused after too many failures");
    },
    identityProviderFailed: (detail) => log.warn({ detail }, "an identity provider signed nobody in"),
    providerSynced: (kind, outcome, counts, error) => {
      syncs.add(`kind="${kind}",outcome="${outcome}"`, 1);
      for (const change of ["added", "revised", "withdrawn"] as const) {
        lines.add(`kind="${kind}",change="${change}"`, counts[change]);
      }
      const facts = { kind, outcome, ...counts };
      if (outcome === "failed") log.warn({ ...facts, error }, "usage provider sync failed");
      else log.info(facts, "usage provider synced");
    },
  };
}

function counter(name: string, help: string): Counter & { add(labels: string, amount: number): void } {
  const values = new Map<string, number>();
  return {
    name,
    help,
    values,
    add: (labels, amount) => void values.set(labels, (values.get(labels) ?? 0) + amount),
  };
}
