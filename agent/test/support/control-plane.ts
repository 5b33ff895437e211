import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";

/** The ingest address of a control plane, which takes every call or refuses every key. */
export interface FakeControlPlane extends AsyncDisposable {
  readonly url: string;
  /** Model names of the calls taken so far. */
  readonly models: readonly string[];
  /** Events of every kind taken so far. */
  readonly events: readonly unknown[];
  refuseKeys: boolean;
}

export async function startControlPlane(): Promise<FakeControlPlane> {
  const models: string[] = [];
  const taken: unknown[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    if (plane.refuseKeys || request.url !== "/ingest/v1/sessions") {
      response.writeHead(plane.refuseKeys ? 401 : 404).end("{}");
      return;
    }
    const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    const { events } = JSON.parse(text.toString()) as {
      events: readonly { kind?: string; model?: string }[];
    };
    models.push(...events.flatMap(({ kind, model }) => (kind === undefined ? (model ?? []) : [])));
    taken.push(...events);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ accepted: events.length, duplicates: 0, rejected: [] }));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const plane: FakeControlPlane = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    models,
    events: taken,
    refuseKeys: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return plane;
}
