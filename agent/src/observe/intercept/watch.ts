import type { AiHost } from "@flowstate/shared/hosts";
import type { FormatCount } from "../../ledger/formats.ts";
import type { Refused, RefusedCall, Verdict } from "../../policy/refuse.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import { findEndpoint, findSocketEndpoint, type Endpoint } from "./endpoint.ts";
import {
  openExchange,
  type AnswerListener,
  type Exchange,
  type Judged,
  type PendingCall,
} from "./exchange.ts";
import type { FinishedCall } from "./finished-call.ts";
import { readUpgrade, type Upgrade } from "./socket/upgrade.ts";
import type { HeaderLookup } from "./tool.ts";

/** Judges a call before a byte of it goes on. */
export type Decide = (call: PendingCall) => Verdict | Promise<Verdict>;

/** Takes what was said in a call. Never throws. */
export type KeepWords = (call: FinishedCall) => void;

/** A call that may not go on, and whose it is. */
export interface Refusal {
  readonly call: RefusedCall;
  readonly verdict: Refused;
}

/** What both protocols need to watch the calls of one connection. */
export interface Watch {
  /** Null for a request that is no call. */
  open(method: string, path: string, header: HeaderLookup): Exchange | null;
  /** Null for a request to become a WebSocket over which no calls are made. */
  upgrade(path: string, header: HeaderLookup): Upgrade | null;
  /** False where every call passes: requests then stream. */
  readonly decides: boolean;
  /** Null where the call may go on. */
  refusal(call: Judged): Promise<Refusal | null>;
  /** Reports what an exchange came to. */
  finish(exchange: Exchange, isWhole: boolean): void;
}

export interface WatchOptions {
  readonly host: string;
  readonly aiHost: AiHost;
  readonly judge: () => Decide | null;
  /** A listener for an answer that begins; null while no rule is about answers. */
  readonly listen: () => AnswerListener | null;
  readonly onSighting: (sighting: Sighting) => void;
  /** Takes how an answer that should tell its usage was understood. */
  readonly onFormat: (count: FormatCount) => void;
  /** Null while nobody may know what was said. */
  readonly keepWords: () => KeepWords | null;
  readonly onError: (error: unknown) => void;
  readonly now: () => number;
}

/** A failure of ours to read or to judge never stops a call: it is reported and the call goes on. */
export function watchCalls(options: WatchOptions): Watch {
  const { host, aiHost, judge, listen, onSighting, onFormat, keepWords, onError, now } = options;
  const report = ({ family }: Endpoint, call: FinishedCall): void => {
    onSighting(call.sighting);
    if (call.isBlank !== null) {
      onFormat({ tool: family, toolVersion: null, host, seen: 1, blank: call.isBlank ? 1 : 0 });
    }
    keepWords()?.(call);
  };
  const finish = async (exchange: Exchange, isWhole: boolean): Promise<void> => {
    const call = await exchange.finish(isWhole);
    if (call !== null) report(exchange.endpoint, call);
  };
  return {
    get decides() {
      return judge() !== null;
    },
    open(method, path, header) {
      const endpoint = findEndpoint(aiHost, method, path);
      return endpoint === null ? null : openExchange({ aiHost, host, path, endpoint, header, listen, now });
    },
    upgrade(path, header) {
      const endpoint = findSocketEndpoint(aiHost, path);
      if (endpoint === null) return null;
      const take = (call: FinishedCall): void => report(endpoint, call);
      return readUpgrade({ aiHost, host, path, endpoint, header, listen, report: take, onError, now });
    },
    async refusal(judged) {
      const decide = judge();
      if (decide === null) return null;
      try {
        const call = judged.pending();
        const verdict = await decide(call);
        const { family, isArray } = judged.endpoint;
        return verdict.kind === "allow" ? null : { call: { family, isArray, tool: call.tool.tool }, verdict };
      } catch (error) {
        onError(error);
        return null;
      }
    },
    finish(exchange, isWhole) {
      finish(exchange, isWhole).catch(onError);
    },
  };
}
