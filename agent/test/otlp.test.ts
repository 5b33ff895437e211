/** The OTLP receiver as tools meet it: a daemon, and OpenTelemetry's own exporters. */
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { OTLPLogExporter as HttpLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import test from "ava";
import { createLogger } from "@flowstate/shared/log";
import { freePort } from "@flowstate/shared/testing/free-port";
import { until } from "@flowstate/shared/testing/until";
import { startReceiver } from "../src/observe/otlp/server.ts";
import { admitOwn } from "../src/relay/peer.ts";
import { startControlPlane } from "./support/control-plane.ts";
import { askAs, ownUid, someUid } from "./support/other-user.ts";
import { claudeRow, newPerson, type Person } from "./support/person.ts";

interface Status {
  readonly telemetry: {
    readonly address: string | null;
    readonly problem: string | null;
    readonly calls: number;
    readonly refused: number;
    readonly checksum: readonly {
      readonly tool: string;
      readonly counted: number;
      readonly metered: number;
    }[];
  };
  readonly calls: { readonly known: number };
}

const statusOf = async (person: Person): Promise<Status> =>
  JSON.parse((await person.flowstate("status", "--json")).stdout) as Status;

const resource = resourceFromAttributes({ "service.name": "claude-code", "service.version": "2.1.220" });

test("OpenTelemetry's exporters deliver calls, and the log's account of one of them makes no second", async (t) => {
  await using controlPlane = await startControlPlane();
  await using person = newPerson({ FLOWSTATE_CONTROL_PLANE: controlPlane.url });
  person.write(".claude/projects/-src-api/s1.jsonl", claudeRow("msg_1") + claudeRow("msg_2"));
  await person.startDaemon();
  const { address } = (await statusOf(person)).telemetry;

  const url = `${address}/v1/logs`;
  const gzip = "gzip" as never;
  const exporters = [
    new ProtoLogs({ url }),
    new ProtoLogs({ url, compression: gzip }),
    new HttpLogs({ url }),
    new HttpLogs({ url, compression: gzip }),
  ];
  for (const [index, exporter] of exporters.entries()) {
    const provider = new LoggerProvider({
      resource,
      processors: [new SimpleLogRecordProcessor({ exporter })],
    });
    provider.getLogger("com.anthropic.claude_code.events").emit({
      body: "claude_code.api_request",
      attributes: {
        "event.name": "api_request",
        model: "claude-sonnet-4-5",
        input_tokens: 100,
        output_tokens: 10,
        // The first is in the log, and so is not new.
        request_id: index === 0 ? "req_msg_1" : `req_${index}`,
      },
    });
    await provider.forceFlush();
    await provider.shutdown();
  }
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: `${address}/v1/metrics` }),
  });
  const meters = new MeterProvider({ resource, readers: [reader] });
  meters
    .getMeter("com.anthropic.claude_code")
    .createCounter("claude_code.token.usage")
    .add(2000, { type: "output" });
  await meters.forceFlush();
  await meters.shutdown();

  const status = await until("four calls and their metrics", async () => {
    const now = await statusOf(person);
    return now.telemetry.calls === 4 && now.telemetry.checksum.length > 0 && now.calls.known === 5
      ? now
      : null;
  });
  t.is(status.telemetry.refused, 0);
  t.deepEqual(status.telemetry.checksum, [{ tool: "claude-code", counted: 40, metered: 2000 }]);
  t.regex(
    (await person.flowstate("status")).stdout,
    /the metrics of claude-code hold 1,960 output tokens that no event/,
  );
  await until("every call to be delivered", () => controlPlane.models.length >= 5);
});

test("a port that is taken leaves everything else running, status says why, and it is taken once it is free", async (t) => {
  const port = await freePort();
  const other = createServer().listen(port, "127.0.0.1");
  await once(other, "listening");
  await using person = newPerson({ FLOWSTATE_OTLP_PORT: String(port) });
  await person.startDaemon();
  const { telemetry } = await statusOf(person);
  t.is(telemetry.address, null);
  t.regex(telemetry.problem ?? "", new RegExp(`port ${port} of 127.0.0.1 is taken`));
  t.regex((await person.flowstate("status")).stdout, /telemetry +off: port/);
  other.close();
  await once(other, "close");
  const address = await until("the receiver", async () => (await statusOf(person)).telemetry.address);
  t.is(address, `http://127.0.0.1:${port}`);
  t.is((await statusOf(person)).telemetry.problem, null);
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** By `node:http`, which sends any Host that it is told to. */
async function send(
  address: string,
  { method = "POST", path = "/v1/logs", headers = {}, body = "{}" }: Sent,
) {
  const { hostname, port } = new URL(address);
  const asked = httpRequest({ hostname, port, method, path, headers });
  asked.on("error", () => undefined);
  asked.end(body);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return { status: answer.statusCode, type: answer.headers["content-type"], body: await text(answer) };
}

const json = { "content-type": "application/json" };
const protobuf = { "content-type": "application/x-protobuf" };
const requests: [what: string, sent: Sent, status: number, says: RegExp][] = [
  ["an empty JSON request", { headers: json }, 200, /^\{\}$/],
  ["an empty protobuf request", { headers: protobuf, body: "" }, 200, /^$/],
  ["JSON with a charset", { headers: { "content-type": "application/json; charset=utf-8" } }, 200, /^\{\}$/],
  ["traces", { path: "/v1/traces", headers: json }, 200, /^\{\}$/],
  ["another path", { path: "/v1/profiles", headers: json }, 404, /taken at \/v1\/logs/],
  ["another method", { method: "GET", headers: json, body: "" }, 405, /POST/],
  ["another type", { headers: { "content-type": "text/plain" } }, 415, /application\/x-protobuf/],
  ["another encoding", { headers: { ...json, "content-encoding": "br" } }, 415, /gzip/],
  ["what is not JSON", { headers: json, body: "{" }, 400, /not JSON/],
  ["what is not an object", { headers: json, body: "[]" }, 400, /one JSON object/],
  ["what is not protobuf", { headers: protobuf, body: "\u0007" }, 400, /not OTLP logs/],
  ["what is not gzip", { headers: { ...json, "content-encoding": "gzip" } }, 400, /not gzip/],
  [
    "a bomb",
    { headers: { ...json, "content-encoding": "gzip" }, body: gzipSync(Buffer.alloc(65 << 20)) },
    413,
    /unpacks to at most/,
  ],
  ["a web page", { headers: { ...json, origin: "https://example.com" } }, 403, /web pages/],
  [
    "a web page without an origin",
    { headers: { ...json, "sec-fetch-site": "cross-site" } },
    403,
    /web pages/,
  ],
  ["a name that was rebound to loopback", { headers: { ...json, host: "evil.example" } }, 403, /localhost/],
];
for (const [what, sent, status, says] of requests) {
  test(`${what} is answered ${status}`, async (t) => {
    const taken: unknown[] = [];
    const log = createLogger("test", "silent");
    await using receiver = await startReceiver({
      port: 0,
      log,
      onRequest: async (signal) => void taken.push(signal),
    });
    const answer = await send(receiver.address, sent);
    t.is(answer.status, status);
    t.regex(answer.body, says);
    t.is(taken.length, status === 200 ? 1 : 0);
    const isProtobuf = sent.headers?.["content-type"] === "application/x-protobuf";
    t.is(answer.type, isProtobuf ? "application/x-protobuf" : "application/json");
    t.is(receiver.refused(), status === 200 ? 0 : 1);
  });
}

const onLinux = process.platform === "linux" ? test : test.skip;
onLinux("on Linux the telemetry of its own user and of root is taken, and nobody else's", async (t) => {
  const log = createLogger("test", "silent");
  const status = async (owner: number, sender: number): Promise<string> => {
    const admits = await admitOwn(owner);
    await using receiver = await startReceiver({ port: 0, log, admits, onRequest: async () => undefined });
    const { host, port } = new URL(receiver.address);
    const head = ["POST /v1/logs HTTP/1.1", `Host: ${host}`, "Content-Type: application/json"];
    return (await askAs(sender, Number(port), [...head, "Content-Length: 0"])).split(" ")[1] ?? "";
  };
  t.is(await status(someUid, someUid), "400", "it is looked at");
  t.is(await status(someUid - 1, someUid), "403");
  if (ownUid === 0) t.is(await status(someUid, 0), "400");
});

test("what could not be kept is asked for again", async (t) => {
  const log = createLogger("test", "silent");
  const onRequest = (): never => {
    throw new Error("the disk is full");
  };
  await using receiver = await startReceiver({ port: 0, log, onRequest });
  t.like(await send(receiver.address, { headers: json }), { status: 503 });
});

test("a head that does not arrive ends its connection, byte by byte too, and after an answer", async (t) => {
  const log = createLogger("test", "silent");
  await using receiver = await startReceiver({
    port: 0,
    log,
    receiveMs: 500,
    onRequest: async () => undefined,
  });
  const { host, port } = new URL(receiver.address);
  const head = `POST /v1/logs HTTP/1.1\r\nhost: ${host}\r\n`;
  const whole = `${head}content-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;
  for (const [before, answers] of [
    ["", 0],
    [whole, 1],
  ] as const) {
    const socket = connect(Number(port), "127.0.0.1");
    const closed = Promise.withResolvers<void>();
    socket.once("close", () => closed.resolve());
    // It may be ended while it writes.
    socket.on("error", () => undefined);
    let heard = "";
    socket.on("data", (data: Buffer) => (heard += data.toString()));
    socket.write(`${before}${head}x: `);
    const dribble = setInterval(() => socket.write("x"), 10);
    await closed.promise;
    clearInterval(dribble);
    t.deepEqual(
      heard.match(/HTTP\/1.1 \d+ \w+/g) ?? [],
      Array.from({ length: answers }, () => "HTTP/1.1 200 OK"),
    );
  }
});

test("a body that does not arrive is answered 408", async (t) => {
  const log = createLogger("test", "silent");
  const onRequest = (): never => t.fail("nothing was sent");
  await using receiver = await startReceiver({ port: 0, log, receiveMs: 500, onRequest });
  const headers = { ...json, "content-length": "100" };
  const asked = httpRequest(`${receiver.address}/v1/logs`, { method: "POST", headers });
  asked.on("error", () => undefined);
  asked.write("{");
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  t.is(answer.statusCode, 408);
  t.regex(await text(answer), /within 0.5 seconds/);
});
