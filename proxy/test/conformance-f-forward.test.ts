/** Section F of the conformance table: requests in absolute form, carried to their origin and back. */
import { once } from "node:events";
import type { Socket } from "node:net";
import anyTest, { type TestFn } from "ava";
import { WebSocket, WebSocketServer } from "ws";
import type { AddressInfo } from "node:net";
import { until } from "@flowstate/shared/testing/until";
import { readAll, startProxy, startTarget, type RunningProxy } from "./support/running.ts";

const test = anyTest as TestFn<{ proxy: RunningProxy }>;

test.before(async (t) => {
  t.context = { proxy: await startProxy() };
});

test.after.always(async ({ context: { proxy } }) => {
  await proxy[Symbol.asyncDispose]();
});

/** An origin that keeps what it was sent and answers each connection with the same bytes. */
async function startOrigin(answer: string | ((socket: Socket) => void)) {
  const seen: string[] = [];
  const target = await startTarget((socket) => {
    let text = "";
    const index = seen.push("") - 1;
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      seen[index] = text;
      if (!isWhole(text)) return;
      if (typeof answer === "string") socket.end(answer);
      else answer(socket);
    });
  });
  return { ...target, seen, authority: `127.0.0.1:${target.port}`, url: `http://127.0.0.1:${target.port}` };
}

function isWhole(text: string): boolean {
  const [head = "", body] = text.split(/\r\n\r\n(.*)/s, 2);
  if (body === undefined) return false;
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
  if (/^transfer-encoding: chunked$/im.test(head)) return /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(body);
  return body.length >= length;
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Sends one request, asks for the end of the connection after it, and reads to that end. */
async function ask(
  proxy: RunningProxy,
  line: string,
  fields: readonly string[] = [],
  body = "",
  credential = `Proxy-Authorization: ${proxy.credential()}`,
): Promise<string> {
  const socket = await proxy.dial();
  const close = fields.some((field) => /^connection:/i.test(field)) ? [] : ["Connection: close"];
  socket.write(
    [line, "Host: wrong.example", credential, ...close, ...fields, "", body].join("\r\n"),
    "latin1",
  );
  const answer = await readAll(socket);
  socket.destroy();
  return answer.toString("latin1");
}

for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
  for (const body of method === "HEAD" ? [""] : ["", "hello"]) {
    test(`F1 F2 F12 ${method} ${body === "" ? "without" : "with"} a body reaches the origin under its own name`, async (t) => {
      await using origin = await startOrigin(okAnswer);
      const length = body === "" ? [] : [`Content-Length: ${body.length}`];
      const answer = await ask(t.context.proxy, `${method} ${origin.url}/p?q=1 HTTP/1.1`, length, body);
      t.regex(answer, /^HTTP\/1\.1 200 OK\r\n/);
      t.is(answer.endsWith("ok"), method !== "HEAD");
      const [seen = ""] = origin.seen;
      t.true(seen.startsWith(`${method} /p?q=1 HTTP/1.1\r\n`));
      t.true(seen.endsWith(`\r\n\r\n${body}`));
      t.deepEqual(seen.match(/^host: .*$/gim), [`Host: ${origin.authority}`]);
      t.notRegex(seen, /^(?:x-forwarded-|forwarded:|proxy-)/im);
    });
  }
}

const refusedTargets: [id: string, line: string, status: number][] = [
  ["F3", "GET http://user:pass@host.example/ HTTP/1.1", 400],
  ["F4", "GET https://host.example/ HTTP/1.1", 400],
  ["F5", "GET ftp://host.example/ HTTP/1.1", 400],
  ["F5", "GET ws://host.example/ HTTP/1.1", 400],
  ["F6", "GET / HTTP/1.1", 421],
  ["F6", "GET /healthz HTTP/1.1", 421],
  ["F7", "OPTIONS * HTTP/1.1", 400],
  ["F20", "GET http://host.example/ HTTP/9.9", 400],
  ["F20", "GET http://host.example/", 505],
  ["F20", "GET http://host.example/ HTTP/2.0", 505],
  ["F21", `GET http://host.example/${"a".repeat(8200)} HTTP/1.1`, 414],
];

for (const [id, line, status] of refusedTargets) {
  test(`${id} ${line.slice(0, 50)} -> ${status} and the end`, async (t) => {
    const answer = await ask(t.context.proxy, line);
    t.regex(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    t.regex(answer, /^proxy-status: [^;]+;error=http_protocol_error/im);
    if (id === "F4") t.regex(answer, /CONNECT/);
  });
}

test("F8 F9 F10 fields of one connection stay here, both ways, and Via is added behind what was there", async (t) => {
  await using origin = await startOrigin(
    "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nVia: 1.1 cdn\r\nContent-Length: 0\r\n\r\n",
  );
  const answer = await ask(t.context.proxy, `GET ${origin.url}/ HTTP/1.1`, [
    "Connection: close, X-Mine, Host, Content-Length",
    "X-Mine: secret",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "TE: gzip",
    "Via: 1.0 first",
  ]);
  const [seen = ""] = origin.seen;
  t.notRegex(seen, /^(?:x-mine|keep-alive|proxy-connection|te|proxy-authorization):/im);
  t.regex(seen, /^via: 1\.0 first, 1\.1 flowstate$/im);
  t.notRegex(answer, /^(?:x-hop|proxy-authenticate):/im);
  t.notRegex(answer, /timeout=9/);
  t.deepEqual(answer.match(/^via: .*$/gim), ["Via: 1.1 cdn", "Via: 1.1 flowstate"]);
});

test("F10 a request that has been here before -> 502 proxy_loop_detected", async (t) => {
  await using origin = await startOrigin(okAnswer);
  const answer = await ask(t.context.proxy, `GET ${origin.url}/ HTTP/1.1`, ["Via: 1.1 a, 1.1 flowstate"]);
  t.regex(answer, /^HTTP\/1\.1 502 [^]*error=proxy_loop_detected/);
  t.is(origin.connections(), 0);
});

test("F11 Max-Forwards is counted down, and at 0 TRACE and OPTIONS are answered here", async (t) => {
  const { proxy } = t.context;
  await using origin = await startOrigin(okAnswer);
  await ask(proxy, `OPTIONS ${origin.url}/ HTTP/1.1`, ["Max-Forwards: 3"]);
  t.regex(origin.seen[0] ?? "", /^max-forwards: 2$/im);
  await ask(proxy, `GET ${origin.url}/ HTTP/1.1`, ["Max-Forwards: 0"]);
  t.regex(origin.seen[1] ?? "", /^max-forwards: 0$/im);
  const options = await ask(proxy, `OPTIONS ${origin.url}/ HTTP/1.1`, ["Max-Forwards: 0"]);
  t.regex(options, /^HTTP\/1\.1 200 [^]*^allow: .*GET/im);
  const trace = await ask(proxy, `TRACE ${origin.url}/ HTTP/1.1`, [
    "Max-Forwards: 0",
    "Cookie: a=1",
    "Authorization: Bearer x",
    "X-Shown: yes",
  ]);
  t.regex(trace, /^HTTP\/1\.1 200 [^]*message\/http[^]*\r\n\r\n[^]*TRACE http[^]*X-Shown: yes/i);
  t.notRegex(trace, /a=1|Bearer|Basic/);
  t.regex(await ask(proxy, `TRACE ${origin.url}/ HTTP/1.1`, ["Max-Forwards: x"]), /^HTTP\/1\.1 400 /);
  t.is(origin.connections(), 2);
});

test("F13 C19 unknown fields and the order of Set-Cookie survive; a Proxy-Status in this proxy's name does not", async (t) => {
  await using origin = await startOrigin(
    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Odd: 1\r\nSet-Cookie: b=2\r\nProxy-Status: flowstate;error=dns_error\r\nContent-Length: 0\r\n\r\n",
  );
  const answer = await ask(t.context.proxy, `GET ${origin.url}/ HTTP/1.1`, ["X-Unknown: 1", "X-Unknown: 2"]);
  t.deepEqual(answer.match(/^(?:set-cookie|x-odd): .*$/gim), [
    "Set-Cookie: a=1",
    "X-Odd: 1",
    "Set-Cookie: b=2",
  ]);
  t.notRegex(answer, /proxy-status/i);
  t.deepEqual(origin.seen[0]?.match(/^x-unknown: .*$/gim), ["X-Unknown: 1", "X-Unknown: 2"]);
});

test("F14 trailers go on with a chunked request, and come back to a client that takes them", async (t) => {
  const { proxy } = t.context;
  const answer =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n";
  await using origin = await startOrigin(answer);
  const chunked = ["Transfer-Encoding: chunked", "Trailer: X-Up", "Connection: close, TE"];
  const body = "5\r\nhello\r\n0\r\nX-Up: 5\r\n\r\n";
  const taken = await ask(proxy, `POST ${origin.url}/ HTTP/1.1`, [...chunked, "TE: trailers"], body);
  t.regex(taken, /\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n$/);
  t.regex(origin.seen[0] ?? "", /\r\nhello\r\n0\r\nX-Up: 5\r\n\r\n$/);
  t.regex(origin.seen[0] ?? "", /^te: trailers$/im);
  const dropped = await ask(proxy, `POST ${origin.url}/ HTTP/1.1`, chunked, body);
  t.regex(dropped, /abc/);
  t.notRegex(dropped, /X-Sum/);
});

const badFraming: [id: string, what: string, fields: readonly string[]][] = [
  ["F15", "length and encoding", ["Content-Length: 5", "Transfer-Encoding: chunked"]],
  ["F16", "two lengths", ["Content-Length: 5", "Content-Length: 6"]],
  ["F16", "the same length twice", ["Content-Length: 5", "Content-Length: 5"]],
  ["F17", "an unknown encoding", ["Transfer-Encoding: xchunked"]],
  ["F17", "chunked that is not last", ["Transfer-Encoding: chunked, gzip"]],
  ["F18", "a negative length", ["Content-Length: -5"]],
  ["F18", "a length that overflows", ["Content-Length: 99999999999999999999999"]],
  ["F18", "a length with a sign", ["Content-Length: +5"]],
  ["F18", "a length in hexadecimal", ["Content-Length: 0x5"]],
  ["F19", "a space before the colon", ["X-A : 1"]],
  ["F19", "a folded line", ["X-A: 1\r\n 2"]],
  ["F19", "a NUL", ["X-A: a\0b"]],
  ["F19", "a bare line feed", ["X-A: 1\nX-B: 2"]],
];

for (const [id, what, fields] of badFraming) {
  test(`${id} ${what} -> 400, the end, and nothing of it reaches the origin`, async (t) => {
    await using origin = await startOrigin(okAnswer);
    const smuggled = `hello\r\nGET ${origin.url}/smuggled HTTP/1.1\r\n\r\n`;
    const answer = await ask(t.context.proxy, `POST ${origin.url}/ HTTP/1.1`, fields, smuggled);
    t.regex(answer, /^HTTP\/1\.1 400 /);
    t.is(answer.match(/HTTP\/1\.1 \d/g)?.length, 1);
    t.false(origin.seen.join("").includes("smuggled"));
  });
}

test("F21 a head of more than 16 KiB or 100 fields -> 431", async (t) => {
  const line = "GET http://127.0.0.1:1/ HTTP/1.1";
  t.regex(await ask(t.context.proxy, line, [`X-A: ${"a".repeat(17_000)}`]), /^HTTP\/1\.1 431 /);
  const many = Array.from({ length: 101 }, (_, index) => `X-${index}: 1`);
  t.regex(await ask(t.context.proxy, line, many), /^HTTP\/1\.1 431 /);
});

test("F22 a client that waits for 100 hears it from the origin, and a refused one hears the refusal", async (t) => {
  const { proxy } = t.context;
  await using origin = await startTarget((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      socket.once("data", () => socket.end(okAnswer));
    });
  });
  const head = (credential: string): string =>
    `POST http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${credential}\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`;
  const socket = await proxy.dial();
  socket.write(head(proxy.credential()));
  t.regex(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  socket.write("hello");
  t.regex((await readAll(socket)).toString(), /^HTTP\/1\.1 200 OK/);
  const refused = await proxy.dial();
  refused.write(head("Basic nonsense"));
  t.regex((await readAll(refused)).toString(), /^HTTP\/1\.1 407 /);
});

test("F23 a WebSocket opens through plain forwarding and is metered as one request with its bytes", async (t) => {
  await using proxy = await startProxy();
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  server.on("connection", (socket) => socket.on("message", (data: Buffer) => socket.send(data.toString())));
  const url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const socket = await proxy.dial();
  const client = new WebSocket(`ws://${url}/`, {
    createConnection: () => socket,
    finishRequest(request) {
      request.path = `http://${url}/`;
      request.setHeader("Proxy-Authorization", proxy.credential());
      request.end();
    },
  });
  await once(client, "open");
  client.send("hello");
  t.is(String((await once(client, "message"))[0]), "hello");
  client.close();
  await once(client, "close");
  server.close();
  const sum = (field: "requests" | "tunnels" | "bytesUp"): number =>
    proxy.controlPlane.rows().reduce((total, row) => total + row[field], 0);
  await until("the meter", () => sum("bytesUp") > 0 && sum("requests") === 1);
  t.is(sum("tunnels"), 0);
  await until("the log", () => proxy.log().some(({ status }) => status === 101));
});

test("F23 an origin that will not switch is heard, and h2c is not asked for", async (t) => {
  const { proxy } = t.context;
  await using origin = await startOrigin(okAnswer);
  for (const [protocol, asked] of [
    ["websocket", true],
    ["h2c", false],
  ] as const) {
    const answer = await ask(proxy, `GET ${origin.url}/ HTTP/1.1`, [
      "Connection: Upgrade",
      `Upgrade: ${protocol}`,
      "Connection: close",
    ]);
    t.regex(answer, /^HTTP\/1\.1 200 OK[^]*ok$/);
    t.is(/^upgrade:/im.test(origin.seen.at(-1) ?? ""), asked);
  }
});

for (const [status, method] of [
  [204, "GET"],
  [304, "GET"],
  [200, "HEAD"],
] as const) {
  test(`F24 ${method} ${status} has no body although the origin sends one`, async (t) => {
    await using origin = await startOrigin(`HTTP/1.1 ${status} X\r\nContent-Length: 4\r\n\r\nbody`);
    const answer = await ask(t.context.proxy, `${method} ${origin.url}/ HTTP/1.1`);
    t.regex(answer, new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\n\\r\\n$`));
  });
}

for (const [what, broken] of [
  ["by length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"],
  ["by chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"],
] as const) {
  test(`F25 a body that breaks off (${what}) does not look complete`, async (t) => {
    await using origin = await startOrigin(broken);
    const socket = await t.context.proxy.dial();
    socket.write(
      `GET ${origin.url}/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${t.context.proxy.credential()}\r\n\r\n`,
    );
    const answer = (await readAll(socket).catch(() => Buffer.alloc(0))).toString();
    t.notRegex(answer, /\r\n0\r\n\r\n$/);
    t.false(/content-length: 4$/im.test(answer));
  });
}

test("F26 I7 three requests on one connection: one connection, three requests", async (t) => {
  await using proxy = await startProxy();
  await using origin = await startOrigin(okAnswer);
  const socket = await proxy.dial();
  for (let index = 0; index < 3; index += 1) {
    socket.write(
      `GET ${origin.url}/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${proxy.credential()}\r\n\r\n`,
    );
    t.regex(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 200 /);
  }
  socket.destroy();
  await until("the meter", () => proxy.controlPlane.rows().reduce((sum, row) => sum + row.requests, 0) === 3);
  const metrics = await (await fetch(`${proxy.admin}/metrics`)).text();
  t.regex(metrics, /^flowstate_proxy_connections_total 1$/m);
});

test("F27 a refused request with a body is answered, its body dropped, and the connection ends", async (t) => {
  await using origin = await startOrigin(okAnswer);
  const answer = await ask(
    t.context.proxy,
    `POST ${origin.url}/ HTTP/1.1`,
    ["Content-Length: 200000"],
    "x".repeat(200_000),
    "X-No: credential",
  );
  t.regex(answer, /^HTTP\/1\.1 407 [^]*^connection: close$/im);
  t.is(origin.connections(), 0);
});
