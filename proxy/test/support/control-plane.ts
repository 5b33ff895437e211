import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { WebSocketServer } from "ws";
import { hashKey, mintKey, type ParsedKey } from "@flowstate/shared/keys";
import { freePort } from "@flowstate/shared/testing/free-port";
import { meterBatch, meterRow, type MeterRow } from "@flowstate/shared/wire/meter";
import { defaultProxyPolicy, type ProxyPolicy } from "@flowstate/shared/wire/policy";
import type { ActiveKey, ProxySnapshot } from "@flowstate/shared/wire/push";

/** The other end of the proxy's wire: real HTTP and WebSocket, keys in memory. The real control plane is tried in the root's tests. */
export interface WireControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** Makes an active key and pushes it. */
  provision(kind?: ActiveKey["kind"], subject?: string | null): string;
  /** A key that is not active yet. */
  mint(): ParsedKey;
  activate(key: ParsedKey): void;
  revoke(key: string): void;
  setPolicy(policy: Partial<ProxyPolicy>, overQuota?: readonly string[]): void;
  /** Rows received, each once. */
  rows(): readonly MeterRow[];
  refusals(): Readonly<Record<string, number>>;
  readonly connected: number;
  /** Closes its port and every connection, as a machine that fails would. */
  vanish(): Promise<void>;
  comeBack(): Promise<void>;
}

export const orgId = "ORG1";

export async function startControlPlane(): Promise<WireControlPlane> {
  const pepper = randomBytes(32);
  const token = mintKey("enrolment").text;
  const keys = new Map<string, ActiveKey>();
  const received = new Map<string, MeterRow>();
  const refusals: Record<string, number> = {};
  let policy = defaultProxyPolicy;
  let overQuota: string[] = [];
  let revision = 1;
  const snapshot = (): ProxySnapshot => ({
    revision,
    issuedAt: new Date().toISOString(),
    pepper: pepper.toString("base64"),
    keys: [...keys.values()],
    orgs: [{ orgId, policy, overQuota }],
  });

  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) return response.writeHead(401).end();
    if (request.url === "/ingest/v1/snapshot") {
      return response.writeHead(200, { etag: `"${revision}"` }).end(JSON.stringify(snapshot()));
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const batch = v.parse(meterBatch, JSON.parse(gunzipSync(Buffer.concat(chunks)).toString("utf8")));
      for (const row of batch.rows.map((value) => v.parse(meterRow, value)))
        received.set(`${batch.source} ${row.seq}`, row);
      for (const [reason, count] of Object.entries(batch.refusals ?? {}))
        refusals[reason] = (refusals[reason] ?? 0) + count;
      response.end(JSON.stringify({ accepted: batch.rows.length, duplicates: 0, rejected: [] }));
    });
    return response;
  });
  const sockets = new WebSocketServer({
    server,
    path: "/ingest/v1/stream",
    verifyClient: ({ req }: { req: IncomingMessage }) => req.headers.authorization === `Bearer ${token}`,
  });
  const push = (message: unknown): void => {
    for (const socket of sockets.clients) socket.send(JSON.stringify(message));
  };
  const changed = (): void => {
    revision += 1;
    push({ type: "snapshot", snapshot: snapshot() });
  };
  const activate = (key: ParsedKey, kind: ActiveKey["kind"], subject: string | null): void => {
    keys.set(key.keyId, { orgId, keyId: key.keyId, kind, hash: hashKey(key.text, pepper), subject });
    changed();
  };
  sockets.on("connection", (socket) =>
    socket.send(JSON.stringify({ type: "snapshot", snapshot: snapshot() })),
  );
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const vanish = async (): Promise<void> => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    provision(kind = "org", subject = null) {
      const key = mintKey(kind);
      activate(key, kind, subject);
      return key.text;
    },
    mint: () => mintKey("org"),
    activate: (key) => activate(key, "org", null),
    revoke(key) {
      const keyId = key.slice(4, 12);
      keys.delete(keyId);
      push({ type: "revoked", keyId });
      changed();
    },
    setPolicy(change, subjects = []) {
      policy = { ...policy, ...change };
      overQuota = [...subjects];
      changed();
    },
    rows: () => [...received.values()],
    refusals: () => refusals,
    get connected() {
      return sockets.clients.size;
    },
    vanish,
    async comeBack() {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await vanish();
    },
  };
}
