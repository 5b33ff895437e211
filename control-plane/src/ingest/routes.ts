import type * as v from "valibot";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { sessionBatch } from "@flowstate/shared/wire/call";
import { meterBatch } from "@flowstate/shared/wire/meter";
import { bearerToken } from "../access/bearer.ts";
import type { Events } from "../events.ts";
import type { Keyring, PresentedKey } from "../keys/keyring.ts";
import type { PolicyDesk } from "../policy/desk.ts";
import type { Store } from "../store/open.ts";
import { ingestSessions } from "../usage/ingest.ts";
import { decompressBody, ingestBounds, parseBatch } from "./decode.ts";
import { requireDevice } from "./device.ts";
import { ingestMeter } from "./meter.ts";
import type { PushHub } from "./push.ts";
import { buildSnapshot } from "./snapshot.ts";
import { acceptStreams, isDevices } from "./streams.ts";

export interface IngestDependencies {
  readonly store: Store;
  readonly events: Events;
  readonly keyring: Keyring;
  readonly hub: PushHub;
  readonly desk: PolicyDesk;
  readonly pepper: Buffer;
  readonly clock: Clock;
}

/**
 * What proxies and agents speak to: meter rows and calls in, keys and policy out. A proxy carries its enrolment token,
 * an agent what a device carries towards the proxy.
 */
export async function ingestRoutes(app: FastifyInstance, dependencies: IngestDependencies): Promise<void> {
  const { store, events, hub, desk, pepper, clock } = dependencies;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: ingestBounds.sentBytes }, (_, body, done) => {
    done(null, body);
  });

  app.post("/ingest/v1/meter", async (request) => {
    const { orgId, keyId } = await requireProxy(request, dependencies);
    const batch = await readBatch(request, meterBatch, "rows");
    const answer = await ingestMeter(store, { orgId, keyId, batch, now: clock.now() });
    events.meterTaken(keyId, batch.source, answer);
    hub.poke();
    return answer;
  });

  app.post("/ingest/v1/sessions", async (request) => {
    const { orgId, subject } = await requireDevice(request, dependencies);
    const batch = await readBatch(request, sessionBatch, "events");
    const { answer } = await ingestSessions(store, { orgId, subject, batch, now: clock.now() });
    events.callsTaken(batch.source, answer);
    desk.heard(orgId, subject);
    return answer;
  });

  app.get("/ingest/v1/policy", async (request, reply) => {
    const { orgId, subject } = await requireDevice(request, dependencies);
    const given = request.headers["if-none-match"] ?? null;
    const waitMs = waitOf(request.headers["prefer"]);
    const { etag, policy } = await desk.ask({ orgId, subject, etag: given, waitMs }, goneOf(reply));
    void reply.header("etag", etag).header("cache-control", "private, no-cache");
    return given === etag ? reply.code(304).send() : policy;
  });

  app.get("/ingest/v1/snapshot", async (request, reply) => {
    const { orgId } = await requireProxy(request, dependencies);
    const snapshot = await buildSnapshot(store.reader, orgId, pepper, clock.now());
    const etag = `"${snapshot.revision}"`;
    void reply.header("etag", etag).header("cache-control", "no-cache");
    return request.headers["if-none-match"] === etag ? reply.code(304).send() : snapshot;
  });

  app.get("/ingest/v1/stream", async (request, reply) => {
    await (isDevices(request) ? requireDevice : requireProxy)(request, dependencies);
    return reply
      .code(426)
      .header("upgrade", "websocket")
      .send({ code: "FS_USAGE", message: "this is a WebSocket" });
  });

  acceptStreams(app, dependencies);
}

/** Less than proxies on the way take for a connection that has died. */
const longestWaitMs = 50_000;

/** How long `Prefer: wait=N` (RFC 7240 4.3) would rather wait than be told what it knows. */
function waitOf(prefer: string | string[] | undefined): number {
  const seconds = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/i.exec(String(prefer ?? ""))?.[1];
  return Math.min(Number(seconds ?? 0) * 1000, longestWaitMs);
}

/** Aborts when the client has gone, so that nobody waits for nobody. */
function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return gone.signal;
}

async function readBatch<const Schema extends v.GenericSchema>(
  request: FastifyRequest,
  schema: Schema,
  rowsName: string,
): Promise<v.InferOutput<Schema>> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const text = await decompressBody(body, request.headers["content-encoding"]);
  const batch = text.ok ? parseBatch(text.value, request.headers["content-type"], schema, rowsName) : text;
  if (batch.ok) return batch.value;
  const code = batch.reason === "too_large" ? "FS_TOO_LARGE" : "FS_INPUT_INVALID";
  throw new FlowstateError(code, batch.detail, { details: { reason: batch.reason } });
}

async function requireProxy(request: FastifyRequest, { keyring }: IngestDependencies): Promise<PresentedKey> {
  const key = await keyring.check(bearerToken(request.headers.authorization), "enrolment");
  if (key === null) {
    throw new FlowstateError("FS_UNAUTHENTICATED", "a proxy's enrolment token is expected as a bearer token");
  }
  return key;
}
