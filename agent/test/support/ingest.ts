import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { agentEvent } from "@flowstate/shared/wire/release";
import { callEvent, type CallEvent } from "@flowstate/shared/wire/call";
import { formatEvent, type FormatEvent } from "@flowstate/shared/wire/format";

/** What becomes of a batch: taken and answered, taken while the answer is lost, or refused for now. */
export type Fate = "taken" | "answer lost" | "refused";

/** The ingest address of a control plane that keeps calls as the wire promises: each once, by any of its names. */
export interface Ingest extends AsyncDisposable {
  readonly url: string;
  /** Decides over each batch as it arrives. */
  fate: () => Fate;
  /** Every call by its latest revision. */
  calls(): readonly CallEvent[];
  /** How far formats are understood, the last telling of each device. */
  formats(): readonly FormatEvent[];
  /** Events that came a second time under the same sequence number. */
  duplicates(): number;
  refusals(): number;
}

export async function startIngest(): Promise<Ingest> {
  const seen = new Set<string>();
  const byName = new Map<string, CallEvent>();
  let duplicates = 0;
  let refusals = 0;
  const formats = new Map<string, FormatEvent>();
  const take = (source: string, given: unknown): void => {
    const format = v.is(formatEvent, given) ? given : null;
    const { seq } = format ?? v.parse(callEvent, given);
    const key = `${source} ${seq}`;
    duplicates += seen.has(key) ? 1 : 0;
    seen.add(key);
    if (format !== null) formats.set(JSON.stringify([source, format.capture, format.tool]), format);
    else takeCall(v.parse(callEvent, given));
  };
  const takeCall = (event: CallEvent): void => {
    const names = [event.callId, ...event.aliases];
    const known = names.flatMap((name) => byName.get(name) ?? []);
    const best = [event, ...known].reduce((a, b) => (b.revision > a.revision ? b : a));
    const all = [...names, ...known.flatMap(({ callId, aliases }) => [callId, ...aliases])];
    for (const name of all) byName.set(name, best);
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const fate = ingest.fate();
    if (fate === "refused") {
      refusals += 1;
      response.writeHead(503).end();
      return;
    }
    const { source, events } = JSON.parse(gunzipSync(body).toString()) as {
      source: string;
      events: readonly unknown[];
    };
    for (const event of events) if (!v.is(agentEvent, event)) take(source, event);
    if (fate === "answer lost") {
      response.destroy();
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ accepted: events.length, duplicates: 0, rejected: [] }));
  };
  const server = createServer((request, response) => {
    // A daemon that is killed breaks off what it was sending.
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const ingest: Ingest = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fate: () => "taken",
    calls: () => [...new Set(byName.values())],
    formats: () => [...formats.values()],
    duplicates: () => duplicates,
    refusals: () => refusals,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return ingest;
}
