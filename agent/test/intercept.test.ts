import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import test from "ava";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { until } from "@flowstate/shared/testing/until";
import type { Decide } from "../src/observe/intercept/watch.ts";
import { startIntercepting } from "./support/intercepting.ts";
import { startProvider, type ProviderRequest, type ProviderResponse } from "./support/provider.ts";
import { authority } from "./support/tls.ts";

const message = {
  type: "message",
  id: "msg_1",
  model: "claude-x",
  stop_reason: "end_turn",
  content: [{ type: "text", text: "hi" }],
  usage: { input_tokens: 5, output_tokens: 6 },
};
const started = `event: message_start\ndata: ${JSON.stringify({ type: "message_start", message: { ...message, stop_reason: null } })}\n\n`;
const ended = `event: message_delta\ndata: ${JSON.stringify({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 60 } })}\n\n`;

/** One request over a connection of either protocol. */
interface Exchanged {
  readonly status: number;
  next(): Promise<string>;
  /** The rest, or "broken" where the answer broke off. */
  rest(): Promise<string>;
  abort(): void;
}

type Ask = (socket: TLSSocket, path: string, body: string) => Promise<Exchanged>;

const askHttp1: Ask = async (socket, path, body) => {
  const headers = { host: "api.anthropic.com", "user-agent": "claude-cli/2.0.1 (external, cli)" };
  const out = request({ createConnection: () => socket, method: "POST", path, headers });
  out.on("error", () => undefined);
  out.end(body);
  const [answer] = (await once(out, "response")) as [IncomingMessage];
  return {
    status: answer.statusCode ?? 0,
    next: async () => String((await once(answer, "data"))[0]),
    rest: () => text(answer).catch(() => "broken"),
    abort: () => void out.destroy(),
  };
};

const sessions = new WeakMap<TLSSocket, ClientHttp2Session>();
const askHttp2: Ask = async (socket, path, body) => {
  const session =
    sessions.get(socket) ?? connectHttp2("https://api.anthropic.com", { createConnection: () => socket });
  session.on("error", () => undefined);
  sessions.set(socket, session);
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "user-agent": "claude-cli/2.0.1 (external, cli)",
  });
  stream.on("error", () => undefined);
  stream.end(body);
  const [headers] = (await once(stream, "response")) as [{ ":status"?: number }];
  return {
    status: headers[":status"] ?? 0,
    next: async () => String((await once(stream, "data"))[0]),
    rest: async () => {
      const all = await text(stream).catch(() => "broken");
      return stream.rstCode === 0 ? all : "broken";
    },
    abort: () => stream.close(8),
  };
};

const protocols: [protocol: string, ask: Ask][] = [
  ["http/1.1", askHttp1],
  ["h2", askHttp2],
];

const echoJson = async (incoming: ProviderRequest, response: ProviderResponse): Promise<void> => {
  const body = await text(incoming);
  response.setHeader("content-type", "application/json");
  response.setHeader("request-id", "req_1");
  response.end(JSON.stringify({ ...message, echoed: body.length }));
};

for (const [protocol, ask] of protocols) {
  test(`${protocol}: a call passes unchanged and is counted`, async (t) => {
    await using provider = await startProvider(echoJson);
    await using device = await startIntercepting(provider.port);
    const socket = await device.dial("api.anthropic.com", { protocols: [protocol] });
    t.is(socket.alpnProtocol, protocol);
    t.is(socket.getPeerCertificate().issuer.CN, "Device");
    for (const size of [10, 3 << 20]) {
      const answer = await ask(socket, "/v1/messages?beta=true", "x".repeat(size));
      t.is(answer.status, 200);
      t.deepEqual(JSON.parse(await answer.rest()), { ...message, echoed: size });
      if (protocol === "http/1.1") break;
    }
    socket.destroy();
    const sighting = await until("the call", () => device.sightings[0]);
    const format = { tool: "anthropic", toolVersion: null, host: "api.anthropic.com", seen: 1, blank: 0 };
    t.deepEqual(device.formats[0], format);
    t.like(sighting, {
      callId: "msg_1",
      aliases: ["req_1"],
      capture: "intercept",
      tool: "claude-code",
      toolVersion: "2.0.1",
      provider: "anthropic",
      host: "api.anthropic.com",
      model: "claude-x",
      status: 200,
    });
    t.like(sighting.tokens, { input: 5, output: 6 });
  });

  test(`${protocol}: every event of a stream passes when it comes`, async (t) => {
    const { promise: first, resolve: gotFirst } = Promise.withResolvers<void>();
    await using provider = await startProvider((_, response) => {
      response.setHeader("content-type", "text/event-stream");
      response.write(started);
      // The second event is not sent before the first has arrived at the client.
      void first.then(() => response.end(ended));
    });
    await using device = await startIntercepting(provider.port);
    const socket = await device.dial("api.anthropic.com", { protocols: [protocol] });
    const answer = await ask(socket, "/v1/messages", "{}");
    t.is(await answer.next(), started);
    gotFirst();
    t.is(await answer.rest(), ended);
    socket.destroy();
    const { tokens, evidence } = await until("the call", () => device.sightings[0]);
    t.like(tokens, { input: 5, output: 60 });
    t.is(evidence.declared, "final");
  });

  test(`${protocol}: an answer that breaks off breaks off, and what was said counts`, async (t) => {
    const { promise: first, resolve: gotFirst } = Promise.withResolvers<void>();
    await using provider = await startProvider((_, response) => {
      response.setHeader("content-type", "text/event-stream");
      response.write(started);
      void first.then(() => (response.stream === undefined ? response.destroy() : response.stream.close(2)));
    });
    await using device = await startIntercepting(provider.port);
    const socket = await device.dial("api.anthropic.com", { protocols: [protocol] });
    const answer = await ask(socket, "/v1/messages", "{}");
    await answer.next();
    gotFirst();
    t.is(await answer.rest(), "broken");
    socket.destroy();
    const { tokens, evidence } = await until("the call", () => device.sightings[0]);
    t.is(tokens.input, 5);
    t.is(evidence.declared, "estimated");
  });

  test(`${protocol}: a client that goes away is gone for the provider too`, async (t) => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    await using provider = await startProvider((_, response) => {
      response.setHeader("content-type", "text/event-stream");
      response.write(started);
      response.once("close", resolve);
    });
    await using device = await startIntercepting(provider.port);
    const socket = await device.dial("api.anthropic.com", { protocols: [protocol] });
    const answer = await ask(socket, "/v1/messages", "{}");
    await answer.next();
    answer.abort();
    await gone;
    const { evidence } = await until("the call", () => device.sightings[0]);
    t.is(evidence.declared, "estimated");
    socket.destroy();
  });

  test(`${protocol}: a refused call gets its API's error and reaches nobody`, async (t) => {
    const seen: unknown[] = [];
    const decide: Decide = ({ model, body, tool }) => {
      seen.push([model, body, tool.tool]);
      return model === "good"
        ? { kind: "allow" }
        : { kind: "refuse", message: 'Rule "models": ask it@example.com.', resetsAt: null };
    };
    await using provider = await startProvider(echoJson);
    await using device = await startIntercepting(provider.port, decide);
    const good = await device.dial("api.anthropic.com", { protocols: [protocol] });
    const allowed = await ask(good, "/v1/messages", '{"model":"good"}');
    t.is((JSON.parse(await allowed.rest()) as { echoed: number }).echoed, 16);
    const bad = await device.dial("api.anthropic.com", { protocols: [protocol] });
    const refused = await ask(bad, "/v1/messages", '{"model":"bad"}');
    t.is(refused.status, 403);
    t.like(JSON.parse(await refused.rest()), {
      type: "error",
      error: { type: "permission_error", message: 'Rule "models": ask it@example.com.' },
    });
    t.is(provider.requests.length, 1);
    t.deepEqual(seen, [
      ["good", { model: "good" }, "claude-code"],
      ["bad", { model: "bad" }, "claude-code"],
    ]);
    good.destroy();
    bad.destroy();
  });
}

test("two answers on one connection are two calls", async (t) => {
  await using provider = await startProvider(echoJson);
  await using device = await startIntercepting(provider.port);
  const socket = await device.dial("api.anthropic.com");
  const head = "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\n";
  socket.write(`${head}Content-Length: 2\r\n\r\n{}`);
  socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: 1\r\n\r\n`);
  socket.write("GET /v1/models HTTP/1.1\r\nHost: api.anthropic.com\r\nConnection: close\r\n\r\n");
  const all = await text(socket);
  t.is(all.match(/HTTP\/1\.1 200/g)?.length, 3);
  await until("the calls", () => device.sightings.length === 2);
  t.pass();
});

test("an upgraded connection becomes a byte stream", async (t) => {
  await using provider = await startProvider(echoJson);
  await using device = await startIntercepting(provider.port);
  const socket = await device.dial("api.openai.com");
  socket.write(
    "GET /v1/responses HTTP/1.1\r\nHost: api.openai.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  t.regex(head.toString(), /^HTTP\/1\.1 101 /);
  socket.write("frame");
  t.is(String((await once(socket, "data"))[0]), "frame");
  t.deepEqual(provider.requests, ["UPGRADE api.openai.com /v1/responses 1.1"]);
  socket.destroy();
});

test("a host that is none of ours passes untouched, with its own certificate", async (t) => {
  await using provider = await startProvider(echoJson);
  await using device = await startIntercepting(provider.port);
  const socket = await device.dial("example.com", { ca: [authority.certificate] });
  t.is(socket.getPeerCertificate().issuer.CN, "Test authority");
  socket.destroy();
});

test("a provider that cannot be verified is shown to the client as it is", async (t) => {
  const stranger = createAuthority({ commonName: "Stranger", days: 5 });
  const leaf = issueCertificate(stranger, { commonName: "x", names: ["api.openai.com"], days: 5 });
  await using provider = await startProvider(echoJson, {
    certificate: { cert: leaf.certificate, key: leaf.privateKey },
  });
  await using device = await startIntercepting(provider.port);
  const socket = await device.dial("api.openai.com", { ca: [stranger.certificate] });
  t.is(socket.getPeerCertificate().issuer.CN, "Stranger");
  socket.destroy();
});

test("a client that does not trust the device keeps working from its second connection on", async (t) => {
  await using provider = await startProvider(echoJson);
  await using device = await startIntercepting(provider.port);
  const ca = [authority.certificate];
  await t.throwsAsync(device.dial("api.openai.com", { ca }));
  await until("the refusal", () => device.intercept.distrust().length === 1);
  t.like(device.intercept.distrust()[0], { host: "api.openai.com", userAgent: "test/1" });
  const second = await device.dial("api.openai.com", { ca });
  t.is(second.getPeerCertificate().issuer.CN, "Test authority");
  second.destroy();
});

test("an answer that is being read when the agent stops arrives whole, and is counted", async (t) => {
  const begun = Promise.withResolvers<void>();
  await using provider = await startProvider(async (_, response) => {
    response.setHeader("content-type", "text/event-stream");
    response.write(started);
    begun.resolve();
    for (let pings = 0; pings < 6; pings += 1) {
      await delay(150);
      response.write('event: ping\ndata: {"type":"ping"}\n\n');
    }
    response.end(ended);
  });
  const both = await startIntercepting(provider.port);
  const answer = await askHttp1(await both.dial("api.anthropic.com"), "/v1/messages", '{"model":"claude-x"}');
  await begun.promise;
  const stopped = both[Symbol.asyncDispose]();
  t.true((await answer.rest()).endsWith(ended));
  await stopped;
  t.is(both.sightings[0]?.tokens.output, 60);
});
