import type { AiHost } from "@flowstate/shared/hosts";
import type { FormatCount } from "../../ledger/formats.ts";
import { refusalAnswer, type RefusalAnswer, type Verdict } from "../../policy/refuse.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import { findEndpoint } from "./endpoint.ts";
import {
  openExchange,
  type AnswerListener,
  type Exchange,
  type FinishedCall,
  type PendingCall,
} from "./exchange.ts";
import type { HeaderLookup } from "./tool.ts";

/** Judges a call before a byte of it goes on. */
export type Decide = (call: PendingCall) => Verdict | Promise<Verdict>;

/** Takes what was said in a call. Never throws. */
export type KeepWords = (call: FinishedCall) => void;

/** What both protocols need to watch the calls of one connection. */
export interface Watch {
  /** Null for a request that is no call. */
  open(method: string, path: string, header: HeaderLookup, isUpgrade?: boolean): Exchange | null;
  /** False where every call passes: requests then stream. */
  readonly decides: boolean;
  /** Null where the call may go on. */
  refusal(exchange: Exchange): Promise<RefusalAnswer | null>;
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
  const report = async (exchange: Exchange, isWhole: boolean): Promise<void> => {
    const call = await exchange.finish(isWhole);
    if (call === null) return;
    onSighting(call.sighting);
    if (call.isBlank !== null) {
      const blank = call.isBlank ? 1 : 0;
      onFormat({ tool: exchange.endpoint.family, toolVersion: null, host, seen: 1, blank });
    }
    keepWords()?.(call);
  };
  return {
    get decides() {
      return judge() !== null;
    },
    open(method, path, header, isUpgrade = false) {
      const endpoint = findEndpoint(aiHost, method, path, isUpgrade);
      return endpoint === null ? null : openExchange({ aiHost, host, path, endpoint, header, listen, now });
    },
    async refusal(exchange) {
      const decide = judge();
      if (decide === null) return null;
      try {
        const call = exchange.pending();
        const verdict = await decide(call);
        const { family, isArray } = exchange.endpoint;
        return verdict.kind === "allow"
          ? null
          : refusalAnswer({ family, isArray, tool: call.tool.tool }, verdict);
      } catch (error) {
        onError(error);
        return null;
      }
    },
    finish(exchange, isWhole) {
      report(exchange, isWhole).catch(onError);
    },
  };
}
