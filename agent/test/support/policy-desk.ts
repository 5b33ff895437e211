import { hash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { defaultAgentSettings, type AgentPolicy } from "@flowstate/shared/wire/agent-policy";

/** The address of a control plane where agents ask what to do: an answer waits as long as there is nothing new. */
export interface FakePolicyDesk extends AsyncDisposable {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: number;
  /** Agents that have the newest policy and wait for a newer one. */
  readonly waiting: number;
  /** Answers with this status instead of a policy; null ends it. */
  status: number | null;
  put(change: Partial<AgentPolicy>): void;
  /** Events that agents reported, as they came. */
  readonly reported: readonly unknown[];
}

export async function startPolicyDesk(): Promise<FakePolicyDesk> {
  let policy: AgentPolicy = {
    version: null,
    issuedAt: new Date().toISOString(),
    settings: defaultAgentSettings,
    rules: [],
    hasCostCentre: null,
  };
  let asked = 0;
  const waiting = new Set<ServerResponse>();
  const etag = (): string => `"${hash("sha256", JSON.stringify(policy), "hex").slice(0, 16)}"`;
  const reported: unknown[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { events } = JSON.parse(gunzipSync(await buffer(request)).toString()) as { events: unknown[] };
    reported.push(...events);
    response.end(JSON.stringify({ accepted: events.length, duplicates: 0, rejected: [] }));
  };
  const send = (response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json", etag: etag() });
    response.end(JSON.stringify(policy));
  };
  const server = createServer((request, response) => {
    if (request.url === "/ingest/v1/sessions") return void take(request, response);
    if (request.url !== "/ingest/v1/policy") return void response.writeHead(404).end("{}");
    asked += 1;
    if (desk.status !== null) return void response.writeHead(desk.status).end("{}");
    if (request.headers["if-none-match"] !== etag()) return send(response);
    if (request.headers["prefer"] === undefined) return void response.writeHead(304).end();
    waiting.add(response);
    response.once("close", () => waiting.delete(response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const desk: FakePolicyDesk = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get asked() {
      return asked;
    },
    get waiting() {
      return waiting.size;
    },
    status: null,
    reported,
    put(change) {
      policy = { ...policy, issuedAt: new Date().toISOString(), ...change };
      for (const response of waiting) send(response);
      waiting.clear();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return desk;
}
