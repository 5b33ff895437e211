/** Section A of the conformance table: the head of a CONNECT. */
import anyTest, { type TestFn } from "ava";
import { needsOwnProxy } from "./support/against.ts";
import { startNameServer, type NameServer } from "@flowstate/shared/testing/name-server";
import {
  connectHead,
  echo,
  exchange,
  startProxy,
  startTarget,
  type RunningProxy,
} from "./support/running.ts";

type Target = Awaited<ReturnType<typeof startTarget>>;

const test = anyTest as TestFn<{ proxy: RunningProxy; target: Target; names: NameServer }>;

test.before(async (t) => {
  const target = await startTarget(echo);
  const names = await startNameServer({
    "host.example": ["127.0.0.1"],
    "foo_bar.example.com": ["127.0.0.1"],
    "xn--bcher-kva.example": ["127.0.0.1"],
  });
  const proxy = await startProxy({ dnsServers: [names.address] });
  t.context = { proxy, target, names };
});

test.after.always(async ({ context: { proxy, target, names } }) => {
  await proxy[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  await names[Symbol.asyncDispose]();
});

const accepted: [id: string, what: string, head: (target: string, credential: string) => string][] = [
  [
    "A1",
    "a plain host:port",
    (to, credential) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n${credential}\r\n\r\n`,
  ],
  [
    "A2",
    "HTTP/1.0 without Host (Python requests)",
    (to, credential) => `CONNECT ${to} HTTP/1.0\r\n${credential}\r\n\r\n`,
  ],
  ["A3", "HTTP/1.1 without Host", (to, credential) => `CONNECT ${to} HTTP/1.1\r\n${credential}\r\n\r\n`],
  [
    "A4",
    "a Host that differs: the target wins",
    (to, credential) => `CONNECT ${to} HTTP/1.1\r\nHost: elsewhere.example:1\r\n${credential}\r\n\r\n`,
  ],
  [
    "A5",
    "a Host without port (undici, axios)",
    (to, credential) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to.split(":")[0]}\r\n${credential}\r\n\r\n`,
  ],
  [
    "A31",
    "Content-Length: 0",
    (to, credential) => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\nContent-Length: 0\r\n${credential}\r\n\r\n`,
  ],
];

for (const [id, what, head] of accepted) {
  test(`${id} ${what} -> 200 without length or encoding`, async (t) => {
    const { proxy, target } = t.context;
    const answer = await exchange(
      proxy,
      head(`127.0.0.1:${target.port}`, `Proxy-Authorization: ${proxy.credential()}`),
    );
    t.is(answer.status, 200);
    t.regex(answer.head, /^HTTP\/1\.1 200 /);
    t.notRegex(answer.head, /content-length|transfer-encoding/i);
  });
}

test("A3 A4 harmless quirks stand in the access log", async (t) => {
  const { proxy, target } = t.context;
  const to = `127.0.0.1:${target.port}`;
  await exchange(proxy, connectHead(proxy, to, ["Host: other.example"]));
  await exchange(proxy, connectHead(proxy, to, []));
  const quirks = new Set(proxy.log().flatMap((line) => (line["quirks"] as string[] | undefined) ?? []));
  t.true(quirks.has("host_mismatch"));
  t.true(quirks.has("no_host"));
});

const spelt: [id: string, host: string][] = [
  ["A23", "xn--bcher-kva.example"],
  ["A26", "foo_bar.example.com"],
  ["A27", "host.example."],
  ["A28", "HOST.Example"],
];

for (const [id, host] of spelt) {
  test(`${id} ${host} -> 200`, async (t) => {
    needsOwnProxy();
    const { proxy, target } = t.context;
    t.is((await exchange(proxy, connectHead(proxy, `${host}:${target.port}`))).status, 200);
  });
}

const refused: [id: string, target: string, status: number, error?: string][] = [
  ["A7", "host.example", 400],
  ["A8", "host.example:", 400],
  ["A9", "host.example:0", 400],
  ["A10", "host.example:65536", 400],
  ["A10", "host.example:70000", 400],
  ["A10", "host.example:91337", 400],
  ["A11", "host.example:-1", 400],
  ["A12", "host.example:https", 400],
  ["A13", ":443", 400],
  ["A14", "[::1]:443", 502, "destination_ip_prohibited"],
  ["A15", "[FD00:DB8::1]:443", 502, "destination_ip_prohibited"],
  ["A16", "::1:443", 400],
  ["A17", "[::ffff:169.254.169.254]:443", 502, "destination_ip_prohibited"],
  ["A18", "[fe80::1%25eth0]:443", 400],
  ["A19", "user@host.example:443", 400],
  ["A20", "host.example:443/path", 400],
  ["A21", "http://host.example:443/", 400],
  ["A22", "host.example:443?x", 400],
  ["A22", "host.example:443#x", 400],
  ["A24", "b\u00fccher.example:443", 400],
  ["A25", `${"a".repeat(64)}.example:443`, 400],
  ["A25", `${"a.".repeat(125)}example:443`, 400],
  ["A29", "0x7f000001:443", 400],
  ["A29", "2130706433:443", 400],
  ["A29", "127.1:443", 400],
  ["A29", "0177.0.0.1:443", 400],
  ["A30", `${"a".repeat(1100)}:443`, 414],
];

for (const [id, to, status, error = "http_protocol_error"] of refused) {
  test(`${id} ${JSON.stringify(to.slice(0, 40))} -> ${status} and the connection ends`, async (t) => {
    const { proxy } = t.context;
    const answer = await exchange(proxy, Buffer.from(connectHead(proxy, to, ["Host: host.example"]), "utf8"));
    t.is(answer.status, status);
    t.true(answer.closed);
    t.regex(answer.head, /^connection: close$/im);
    t.regex(answer.head, new RegExp(`^proxy-status: [^;]+;error=${error}`, "im"));
  });
}

const badFields: [id: string, what: string, fields: readonly string[]][] = [
  ["A6", "Host twice", ["Host: a.example", "Host: a.example"]],
  ["A31", "a body by length", ["Host: a.example", "Content-Length: 5"]],
  ["A32", "a body by encoding", ["Host: a.example", "Transfer-Encoding: chunked"]],
];

for (const [id, what, fields] of badFields) {
  test(`${id} ${what} -> 400 and nothing after it is parsed`, async (t) => {
    const { proxy, target } = t.context;
    const bytes = connectHead(proxy, `127.0.0.1:${target.port}`, fields);
    const answer = await exchange(proxy, `${bytes}hello${connectHead(proxy, `127.0.0.1:${target.port}`)}`);
    t.is(answer.status, 400);
    t.true(answer.closed);
    t.is(answer.body.match(/HTTP\/1\.1/g), null);
  });
}
