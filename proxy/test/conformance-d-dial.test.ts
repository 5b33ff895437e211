/** Sections C9-C17 and D of the conformance table: which addresses are dialled, and what a failed dial says. */
import { once } from "node:events";
import anyTest, { type TestFn } from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { freePort } from "@flowstate/shared/testing/free-port";
import { until } from "@flowstate/shared/testing/until";
import { needsOwnProxy } from "./support/against.ts";
import { startDeafTarget } from "./support/deaf-target.ts";
import { startNameServer, type NameServer } from "@flowstate/shared/testing/name-server";
import { readConfig } from "../src/config.ts";
import {
  connectHead,
  echo,
  exchange,
  readAll,
  startProxy,
  startTarget,
  tunnel,
  type RunningProxy,
} from "./support/running.ts";

type Target = Awaited<ReturnType<typeof startTarget>>;

const test = anyTest as TestFn<{ proxy: RunningProxy; names: NameServer; target: Target }>;

test.before(async (t) => {
  const names = await startNameServer({
    "private.example": ["10.1.2.3"],
    "mixed.example": ["10.1.2.3", "127.0.0.1"],
    "mapped.example": ["::ffff:a00:1"],
    "two.example": ["127.0.0.2", "127.0.0.1"],
    "servfail.example": "SERVFAIL",
    "silent.example": "silent",
  });
  const proxy = await startProxy({
    dnsServers: [names.address],
    allow: ["127.0.0.1/32", "127.0.0.2/32"],
  });
  t.context = { names, proxy, target: await startTarget(echo) };
});

test.after.always(async ({ context: { proxy, names, target } }) => {
  await proxy[Symbol.asyncDispose]();
  await names[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

const prohibited = [
  "10.0.0.1",
  "169.254.169.254",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "[fd00:ec2::254]",
  "[::ffff:10.0.0.1]",
  "[64:ff9b::a00:1]",
  "[2002:a00:1::]",
  "[2001::1]",
  "[::10.0.0.1]",
  "[::ffff:0:10.0.0.1]",
  "0.0.0.1",
  "198.18.0.1",
  "240.0.0.1",
  "127.0.0.3",
];

for (const host of prohibited) {
  test(`C9 C14 C16 ${host} -> 502 destination_ip_prohibited`, async (t) => {
    const { proxy } = t.context;
    const answer = await exchange(proxy, connectHead(proxy, `${host}:443`));
    t.is(answer.status, 502);
    t.regex(answer.head, /error=destination_ip_prohibited/);
  });
}

test("C10 a name with a private and an allowed address reaches the allowed one alone", async (t) => {
  needsOwnProxy();
  const { proxy, target } = t.context;
  t.is((await exchange(proxy, connectHead(proxy, `mixed.example:${target.port}`))).status, 200);
});

for (const [id, host] of [
  ["C11", "private.example"],
  ["C13", "mapped.example"],
] as const) {
  test(`${id} ${host} resolves to private addresses only -> prohibited`, async (t) => {
    needsOwnProxy();
    const { proxy } = t.context;
    t.regex(
      (await exchange(proxy, connectHead(proxy, `${host}:443`))).head,
      /error=destination_ip_prohibited/,
    );
  });
}

test("C12 a name is asked for once: what was vetted is what is dialled", async (t) => {
  needsOwnProxy();
  const { proxy, target, names } = t.context;
  const before = names.questions("two.example");
  t.is((await exchange(proxy, connectHead(proxy, `two.example:${target.port}`))).status, 200);
  t.is((await exchange(proxy, connectHead(proxy, `two.example:${target.port}`))).status, 200);
  t.true(names.questions("two.example") - before <= 2);
});

test("C15 the proxy does not dial itself", async (t) => {
  const { proxy } = t.context;
  const answer = await exchange(proxy, connectHead(proxy, `127.0.0.1:${proxy.port}`));
  t.is(answer.status, 502);
  t.regex(answer.head, /error=proxy_loop_detected/);
});

test("C17 a port that is not on the list -> 403", async (t) => {
  await using proxy = await startProxy({ ports: new Set([443]) });
  const answer = await exchange(proxy, connectHead(proxy, `127.0.0.1:${t.context.target.port}`));
  t.is(answer.status, 403);
  t.regex(answer.head, /error=http_request_denied/);
});

test("C1 C5 C6 rules decide by host: allow beats deny, deny beats the mode, a suffix does not match itself", async (t) => {
  await using proxy = await startProxy({ dnsServers: [t.context.names.address] });
  const status = async (host: string): Promise<number> =>
    (await exchange(proxy, connectHead(proxy, `${host}:1`))).status;
  proxy.controlPlane.setPolicy({
    destinations: {
      mode: "enforce",
      aiOnly: false,
      allow: [{ host: "*.ok.example" }, { host: "x.bad.example" }],
      deny: [{ host: "*.bad.example" }],
    },
  });
  while ((await status("other.example")) !== 403);
  t.is(await status("ok.example"), 403);
  t.is(await status("a.ok.example"), 502);
  t.is(await status("y.bad.example"), 403);
  t.is(await status("x.bad.example"), 502);
});

const failures: [id: string, host: string, status: number, error: RegExp][] = [
  ["D1", "nowhere.example:443", 502, /error=dns_error;rcode="NXDOMAIN"/],
  ["D2", "servfail.example:443", 502, /error=dns_error;rcode="SERVFAIL"/],
  ["D2", "silent.example:443", 504, /error=dns_timeout/],
];

for (const [id, host, status, error] of failures) {
  test(`${id} ${host} -> ${status}`, async (t) => {
    if (id !== "D1") needsOwnProxy();
    const { proxy } = t.context;
    const answer = await exchange(proxy, connectHead(proxy, host));
    t.is(answer.status, status);
    t.regex(answer.head, error);
    t.true(answer.closed);
  });
}

test("D3 D12 D13 a refused connection -> a whole 502, then the end; later bytes are not parsed", async (t) => {
  const { proxy } = t.context;
  const head = connectHead(proxy, `127.0.0.1:${await freePort()}`);
  const answer = await exchange(proxy, head + head);
  t.is(answer.status, 502);
  t.regex(answer.head, /error=connection_refused/);
  const length = Number(/^content-length: (\d+)$/im.exec(answer.head)?.[1]);
  t.is(answer.body.length, length);
  t.true(answer.closed);
});

test("D4 an address without a route -> 502 destination_ip_unroutable", async (t) => {
  // The broadcast address has no TCP route on any machine, and no packet leaves for it.
  await using proxy = await startProxy({ allow: ["255.255.255.255/32"] });
  const answer = await exchange(proxy, connectHead(proxy, "255.255.255.255:443"));
  t.is(answer.status, 502);
  t.regex(answer.head, /error=destination_ip_unroutable/);
});

test("D5 a target that drops what it is sent -> 504 connection_timeout when the time is up", async (t) => {
  await using deaf = await startDeafTarget();
  await using proxy = await startProxy({ timing: { dialMs: 1500 } });
  const answer = await exchange(proxy, connectHead(proxy, `127.0.0.1:${deaf.port}`));
  t.is(answer.status, 504);
  t.regex(answer.head, /error=connection_timeout/);
});

test("D6 the first of two addresses is dead, the second is used", async (t) => {
  needsOwnProxy();
  const { proxy, target } = t.context;
  const answer = await exchange(proxy, connectHead(proxy, `two.example:${target.port}`));
  t.is(answer.status, 200);
});

test("D7 a target that resets at once ends the tunnel, and the log says why", async (t) => {
  const { proxy } = t.context;
  await using target = await startTarget((socket) => socket.resetAndDestroy());
  const answer = await exchange(proxy, connectHead(proxy, `127.0.0.1:${target.port}`));
  t.true([200, 502].includes(answer.status));
  const line = proxy.log().findLast(({ target: to }) => to === `127.0.0.1:${target.port}`);
  t.true(line === undefined || line["end"] === "target_reset" || line["status"] === 502);
});

/** A proxy that reads one head and answers as told. */
const upstreamThat = (answer: string | Buffer, heads: string[] = []) =>
  startTarget((socket) => {
    socket.once("data", (chunk: Buffer) => {
      heads.push(chunk.toString());
      socket.write(answer);
      if (!String(answer).startsWith("HTTP/1.1 200")) socket.end();
      else socket.pipe(socket);
    });
  });

for (const status of ["407 Proxy Authentication Required", "403 Forbidden", "500 Oops"]) {
  test(`D8 an upstream proxy that answers ${status} -> 502 with its status and name`, async (t) => {
    await using upstream = await upstreamThat(`HTTP/1.1 ${status}\r\n\r\n`);
    await using proxy = await startProxy({ upstream: `http://127.0.0.1:${upstream.port}` });
    const answer = await exchange(proxy, connectHead(proxy, "host.example:443"));
    t.is(answer.status, 502);
    t.true(answer.head.includes(`received-status="${status.slice(0, 3)}"`));
    t.true(answer.head.includes(`next-hop="127.0.0.1:${upstream.port}"`));
  });
}

test("a client that leaves before the target of its request has answered is logged as that, and not as the target's failure", async (t) => {
  const asked = Promise.withResolvers<void>();
  await using upstream = await startTarget((socket) => void socket.once("data", () => asked.resolve()));
  await using proxy = await startProxy({ upstream: `http://127.0.0.1:${upstream.port}` });
  const socket = await proxy.dial();
  const credential = `Proxy-Authorization: ${proxy.credential()}`;
  socket.write(["GET http://host.example/ HTTP/1.1", "Host: host.example", credential, "", ""].join("\r\n"));
  await asked.promise;
  socket.destroy();
  const line = await until("its line in the log", () => proxy.log().at(-1));
  t.like(line, { status: 499, outcome: "connection_terminated" });
});

test("D9 an upstream proxy that is not there -> 502", async (t) => {
  await using proxy = await startProxy({ upstream: `http://127.0.0.1:${await freePort()}` });
  t.is((await exchange(proxy, connectHead(proxy, "host.example:443"))).status, 502);
});

test("D9 a bad scheme or a colon in the user name is an error of configuration", (t) => {
  needsOwnProxy();
  const token = mintKey("enrolment").text;
  for (const url of ["ftp://proxy.example", "socks9://proxy.example", "http://a%3Ab:c@proxy.example"]) {
    const error = t.throws(() => readConfig({ FLOWSTATE_UPSTREAM_PROXY: url, FLOWSTATE_PROXY_TOKEN: token }));
    t.like(error, { code: "FS_CONFIG_INVALID" });
    t.regex(error.message, /FLOWSTATE_UPSTREAM_PROXY/);
  }
});

test("D10 bytes that follow the upstream's 200 are delivered, its credential goes to it alone, and only payload is metered", async (t) => {
  const heads: string[] = [];
  await using upstream = await upstreamThat("HTTP/1.1 200 OK\r\n\r\nbanner", heads);
  await using proxy = await startProxy({ upstream: `http://user:pass@127.0.0.1:${upstream.port}` });
  const socket = await tunnel(proxy, "host.example:443", "hello");
  socket.end();
  t.is((await readAll(socket)).toString(), "bannerhello");
  t.regex(heads[0] ?? "", /^CONNECT host\.example:443 HTTP\/1\.1\r\n/);
  t.true(heads[0]?.includes(basicCredential({ user: "user", password: "pass" })));
  t.false(heads[0]?.includes(proxy.credential()));
  const carried = (field: "bytesUp" | "bytesDown"): number =>
    proxy.controlPlane.rows().reduce((total, row) => total + row[field], 0);
  await until("the meter", () => carried("bytesUp") === 5 && carried("bytesDown") === 11);
});

for (const [what, answer] of [
  ["a NUL in its head", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"],
  ["a head of 100 KB", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}\r\n\r\n`],
  ["no HTTP", "SSH-2.0-x\r\n\r\n"],
] as const) {
  test(`D11 an upstream proxy with ${what} -> 502 http_protocol_error`, async (t) => {
    await using upstream = await upstreamThat(answer);
    await using proxy = await startProxy({ upstream: `http://127.0.0.1:${upstream.port}` });
    const refused = await exchange(proxy, connectHead(proxy, "host.example:443"));
    t.is(refused.status, 502);
    t.regex(refused.head, /error=http_protocol_error/);
  });
}

/** A SOCKS5 server that keeps what it was asked for and echoes, or answers with a reply code. */
async function startSocks5(reply: number, asked: string[], login: string | null = null) {
  return startTarget((socket) => {
    void (async () => {
      const next = async (length: number): Promise<Buffer> => {
        for (;;) {
          const bytes = socket.read(length) as Buffer | null;
          if (bytes !== null) return bytes;
          await once(socket, "readable");
        }
      };
      const [, count = 0] = await next(2);
      const methods = [...(await next(count))];
      asked.push(`methods ${methods.join(",")}`);
      socket.write(Buffer.from([5, login === null ? 0 : 2]));
      if (login !== null) {
        const [, userLength = 0] = await next(2);
        const user = (await next(userLength)).toString();
        const [passwordLength = 0] = await next(1);
        const given = `${user}:${(await next(passwordLength)).toString()}`;
        socket.write(Buffer.from([1, given === login ? 0 : 1]));
        if (given !== login) return socket.end();
      }
      const [, , , type = 0] = await next(4);
      const length = type === 1 ? 4 : type === 4 ? 16 : ((await next(1))[0] ?? 0);
      const host = await next(length);
      asked.push(`${type === 3 ? host.toString() : host.toString("hex")} ${(await next(2)).readUInt16BE()}`);
      socket.write(Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]));
      if (reply !== 0) return socket.end();
      await new Promise((resolve) => setImmediate(resolve));
      return socket.pipe(socket);
    })().catch(() => socket.destroy());
  });
}

for (const [what, to, asked] of [
  ["a name, which it resolves itself", "host.example:443", "host.example 443"],
  ["an IPv4 address", "8.8.8.8:443", "08080808 443"],
  ["an IPv6 address", "[2606:4700::1111]:8443", "26064700000000000000000000001111 8443"],
] as const) {
  test(`a SOCKS5 upstream is asked for ${what}, and the tunnel carries`, async (t) => {
    const seen: string[] = [];
    await using upstream = await startSocks5(0, seen, "user:pass");
    await using proxy = await startProxy({ upstream: `socks5://user:pass@127.0.0.1:${upstream.port}` });
    const socket = await tunnel(proxy, to, "hello");
    socket.end();
    t.is((await readAll(socket)).toString(), "hello");
    t.deepEqual(seen, ["methods 0,2", asked]);
  });
}

for (const [reply, error] of [
  [1, "destination_unavailable"],
  [2, "http_request_denied"],
  [3, "destination_ip_unroutable"],
  [5, "connection_refused"],
  [6, "connection_timeout"],
] as const) {
  test(`D8 a SOCKS5 upstream that replies ${reply} -> 502 ${error} with its name`, async (t) => {
    await using upstream = await startSocks5(reply, []);
    await using proxy = await startProxy({ upstream: `socks5://127.0.0.1:${upstream.port}` });
    const answer = await exchange(proxy, connectHead(proxy, "host.example:443"));
    t.is(answer.status, 502);
    t.true(answer.head.includes(`error=${error};next-hop="127.0.0.1:${upstream.port}"`));
  });
}

test("D8 D11 a SOCKS5 upstream that refuses the login, or is none -> 502", async (t) => {
  await using strict = await startSocks5(0, [], "user:other");
  await using wrong = await startProxy({ upstream: `socks5://user:pass@127.0.0.1:${strict.port}` });
  t.regex((await exchange(wrong, connectHead(wrong, "host.example:443"))).head, /error=http_request_denied/);
  await using http = await startTarget((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await using proxy = await startProxy({ upstream: `socks5://127.0.0.1:${http.port}` });
  t.regex((await exchange(proxy, connectHead(proxy, "host.example:443"))).head, /error=http_protocol_error/);
});

test("the first upstream rule that matches decides the way, and `direct` is one", async (t) => {
  const { target, names } = t.context;
  const seen: string[] = [];
  await using socks = await startSocks5(0, seen);
  const heads: string[] = [];
  await using other = await upstreamThat("HTTP/1.1 200 OK\r\n\r\n", heads);
  await using proxy = await startProxy({
    dnsServers: [names.address],
    upstream: `http://127.0.0.1:${other.port}`,
    upstreamRules: `mixed.example=direct, *.socks.example:443=socks5://127.0.0.1:${socks.port}`,
  });
  for (const to of [`mixed.example:${target.port}`, "a.socks.example:443", "a.socks.example:80"])
    t.is((await exchange(proxy, connectHead(proxy, to))).status, 200);
  t.deepEqual(seen, ["methods 0", "a.socks.example 443"]);
  t.deepEqual(
    heads.map((head) => head.split("\r\n")[0]),
    ["CONNECT a.socks.example:80 HTTP/1.1"],
  );
});

test("D9 an upstream rule that is wrong is an error of configuration that repeats no password", (t) => {
  needsOwnProxy();
  const token = mintKey("enrolment").text;
  for (const rules of [
    "*=direct",
    "host.example",
    "host.example=ftp://u:hunter2@x",
    "h\u00e4.example=direct",
  ]) {
    const error = t.throws(() =>
      readConfig({ FLOWSTATE_UPSTREAM_RULES: rules, FLOWSTATE_PROXY_TOKEN: token }),
    );
    t.like(error, { code: "FS_CONFIG_INVALID" });
    t.regex(error.message, /^FLOWSTATE_UPSTREAM_RULES: /);
    t.false(error.message.includes("hunter2"));
  }
});
