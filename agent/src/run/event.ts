import { formatUsd } from "@flowstate/shared/money";
import { shippedPrices, type PriceBook } from "@flowstate/shared/prices/book";
import { rate } from "@flowstate/shared/prices/rate";
import { promptTokens } from "@flowstate/shared/tokens";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { resolveCall, type Call } from "../normalise/merge.ts";

/** What leaves the machine of a call: neither its folder nor a word of its content. */
export type Told = Omit<CallEvent, "seq" | "revision" | "sessionId"> & { readonly sessionId: string | null };

/** The call as it is known now, priced at the list prices of its day. */
export function eventOf(
  call: Call,
  projectName: (cwd: string) => string | null,
  book: PriceBook = shippedPrices(),
): Told {
  const { sighting, tokens, outputTrust, estimateMethod } = resolveCall(call);
  const { place, provider, model, terms } = sighting;
  const price = model === null ? null : book.find(provider, model, place.occurredAt);
  const known = tokens.input !== null && tokens.output !== null;
  const rated = price === null || !known ? null : rate(price, tokens, terms, promptTokens(tokens) ?? 0);
  return {
    callId: sighting.callId,
    aliases: call.names.filter((name) => name !== sighting.callId).slice(0, mostAliases),
    occurredAt: new Date(place.occurredAt).toISOString(),
    sessionId: place.sessionId,
    provider,
    host: sighting.host,
    tool: sighting.tool,
    toolVersion: sighting.toolVersion,
    model,
    tokens,
    outputTrust,
    costUsd: rated === null ? null : formatUsd(rated.costNanoUsd),
    estimated: outputTrust === "estimated",
    estimateMethod,
    capture: sighting.capture,
    status: sighting.status,
    durationMs: sighting.durationMs,
    project: place.cwd === null ? null : projectName(place.cwd),
    billing: sighting.billing,
    serviceTier: terms.serviceTier,
    parentCallId: place.parentCallId,
  };
}

/** As many as the wire takes; names are in ascending order, so that every machine leaves out the same. */
const mostAliases = 16;
