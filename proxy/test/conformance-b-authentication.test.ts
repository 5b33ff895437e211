/** Section B of the conformance table: who may pass. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import * as v from "valibot";
import { mintKey } from "@flowstate/shared/keys";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { until } from "@flowstate/shared/testing/until";
import { proxySnapshot } from "@flowstate/shared/wire/push";
import { createAuthority, issueCertificate, type KeyedCertificate } from "@flowstate/shared/tls/certificate";
import { createKeyring } from "../src/auth/keyring.ts";
import {
  connectHead,
  echo,
  exchange,
  readAnswer,
  startProxy,
  startTarget,
  type RawAnswer,
  type RunningProxy,
} from "./support/running.ts";

type Target = Awaited<ReturnType<typeof startTarget>>;

const test = anyTest as TestFn<{ proxy: RunningProxy; target: Target }>;

test.before(async (t) => {
  t.context = { target: await startTarget(echo), proxy: await startProxy() };
});

test.after.always(async ({ context: { proxy, target } }) => {
  await proxy[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

const connectWith = (
  t: { context: { proxy: RunningProxy; target: Target } },
  ...fields: readonly string[]
): Promise<RawAnswer> => {
  const to = `127.0.0.1:${t.context.target.port}`;
  return exchange(t.context.proxy, [`CONNECT ${to} HTTP/1.1`, `Host: ${to}`, ...fields, "", ""].join("\r\n"));
};

const encode = (text: string): string => Buffer.from(text, "latin1").toString("base64");

test("B1 B26 no credential -> one small 407 with a Basic challenge, then the end", async (t) => {
  const answer = await connectWith(t);
  t.is(answer.status, 407);
  t.regex(answer.head, /^proxy-authenticate: Basic realm="[^"]+", charset="UTF-8"$/im);
  t.regex(answer.head, /^connection: close$/im);
  t.true(answer.closed);
  t.true(answer.body.length > 0 && answer.head.length + answer.body.length < 1024);
});

test("B2 B7 the right e-mail and key pass, the scheme in any case", async (t) => {
  const { proxy } = t.context;
  t.is((await connectWith(t, `Proxy-Authorization: ${proxy.credential()}`)).status, 200);
  t.is((await connectWith(t, `pRoXy-AuThOrIzAtIoN: bAsIc ${proxy.credential().slice(6)}`)).status, 200);
});

test("B13 a user name that is still percent-encoded is the same subject", async (t) => {
  const { proxy } = t.context;
  t.is(
    (await connectWith(t, `Proxy-Authorization: ${proxy.credential("Encoded%40Example.com")}`)).status,
    200,
  );
  await until("the meter", () =>
    proxy.controlPlane.rows().some(({ subject }) => subject === "encoded@example.com"),
  );
  t.pass();
});

test("B4 anybody of the organisation may pass with its key: a new e-mail is a new subject", async (t) => {
  t.is(
    (await connectWith(t, `Proxy-Authorization: ${t.context.proxy.credential("new.person@example.com")}`))
      .status,
    200,
  );
});

const challenged: [id: string, what: string, field: (key: string) => string][] = [
  ["B3", "a wrong key", () => basicCredential({ user: "a@example.com", password: mintKey("org").text })],
  [
    "B3",
    "a wrong key of an unknown e-mail",
    () => basicCredential({ user: "zzz@example.com", password: mintKey("org").text }),
  ],
  ["B8", "another scheme", () => "Bearer abc"],
  ["B8", "Negotiate", () => "Negotiate YII="],
  ["B9", "no base64", () => "Basic !!!"],
  ["B9", "no colon", () => `Basic ${encode("nocolon")}`],
  ["B10", "no password", () => basicCredential({ user: "a@example.com", password: "" })],
  ["B11", "no user name", (key) => basicCredential({ user: "", password: key })],
  [
    "B12",
    "the key with a colon in it",
    (key) => basicCredential({ user: "a@example.com", password: `x:${key}` }),
  ],
  ["B17", "a NUL in the user name", (key) => `Basic ${encode(`a\0@example.com:${key}`)}`],
  ["B17", "a line break in the user name", (key) => `Basic ${encode(`a\r\nX: y@example.com:${key}`)}`],
  ["B15", "a credential of 5 KB", () => `Basic ${"A".repeat(5000)}`],
];

for (const [id, what, field] of challenged) {
  test(`${id} ${what} -> 407 and no connection upstream`, async (t) => {
    const target = await startTarget(echo);
    const answer = await connectWith(
      { context: { proxy: t.context.proxy, target } },
      `Proxy-Authorization: ${field(t.context.proxy.key)}`,
    );
    t.is(answer.status, 407);
    t.true(answer.closed);
    t.is(target.connections(), 0);
    await target[Symbol.asyncDispose]();
  });
}

test("B3 the answers to a wrong key and to an unknown e-mail are the same to the byte", async (t) => {
  const known = await connectWith(
    t,
    `Proxy-Authorization: ${basicCredential({ user: "person@example.com", password: mintKey("org").text })}`,
  );
  const unknown = await connectWith(
    t,
    `Proxy-Authorization: ${basicCredential({ user: "nobody@example.org", password: mintKey("org").text })}`,
  );
  t.deepEqual(known, unknown);
});

for (const user of ["person", "${USER_EMAIL}", "$EMAIL", "{{userEmail}}", "%Email%"]) {
  test(`B14 the user name ${user} -> 407 that says what is wrong, counted by reason`, async (t) => {
    const { proxy } = t.context;
    const answer = await connectWith(t, `Proxy-Authorization: ${proxy.credential(user)}`);
    t.is(answer.status, 407);
    t.regex(answer.body, user === "person" ? /%40/ : /placeholder/);
    const reason = user === "person" ? "not_an_email" : "placeholder";
    await until("the count at the control plane", () => (proxy.controlPlane.refusals()[reason] ?? 0) > 0);
  });
}

test("B15 a long but lawful user name passes", async (t) => {
  const user = `${"a".repeat(60)}@${"b".repeat(60)}.${"c".repeat(60)}.example.com`;
  t.is((await connectWith(t, `Proxy-Authorization: ${t.context.proxy.credential(user)}`)).status, 200);
});

test("B16 two credentials -> 400", async (t) => {
  const field = `Proxy-Authorization: ${t.context.proxy.credential()}`;
  t.is((await connectWith(t, field, field)).status, 400);
});

test("B5 B6 a revoked key is refused as soon as the control plane says so, and its successor passes", async (t) => {
  const { proxy } = t.context;
  const old = proxy.controlPlane.provision();
  const credential = `Proxy-Authorization: ${proxy.credential("a@example.com", old)}`;
  await until("the key to be known", async () => (await connectWith(t, credential)).status === 200);
  const fresh = proxy.controlPlane.provision();
  proxy.controlPlane.revoke(old);
  await until("the key to be refused", async () => (await connectWith(t, credential)).status === 407, 5000);
  t.is(
    (await connectWith(t, `Proxy-Authorization: ${proxy.credential("a@example.com", fresh)}`)).status,
    200,
  );
});

test("a key passes on its first use, although the proxy learns of it only now", async (t) => {
  const { proxy } = t.context;
  const fresh = proxy.controlPlane.mint();
  const answer = connectWith(t, `Proxy-Authorization: ${proxy.credential("a@example.com", fresh.text)}`);
  proxy.controlPlane.activate(fresh);
  t.is((await answer).status, 200);
});

test("a service account's key speaks for its owner, whatever the user name says", async (t) => {
  const { proxy } = t.context;
  const key = proxy.controlPlane.provision("service_account", "svc:builder");
  await until(
    "the key to be known",
    async () =>
      (await connectWith(t, `Proxy-Authorization: ${proxy.credential("somebody@example.com", key)}`))
        .status === 200,
  );
  await until("the meter", () => proxy.controlPlane.rows().some(({ subject }) => subject === "svc:builder"));
  t.false(proxy.controlPlane.rows().some(({ subject }) => subject === "somebody@example.com"));
});

test("B19 B20 B21 each forwarded request is authenticated and metered by itself, and the origin never sees the credential", async (t) => {
  const { proxy } = t.context;
  const seen: NodeJS.Dict<string | string[]>[] = [];
  await using origin = createServer((request, response) => {
    seen.push(request.headers);
    response.end("ok");
  }).listen(0, "127.0.0.1");
  await once(origin, "listening");
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
  const socket = await proxy.dial();
  const get = async (field: string): Promise<RawAnswer> => {
    socket.write(
      `GET ${url} HTTP/1.1\r\nHost: wrong.example\r\nAuthorization: Bearer origin\r\nProxy-Authorization: ${field}\r\n\r\n`,
    );
    return readAnswer(socket);
  };
  t.is((await get(proxy.credential("first@example.com"))).status, 200);
  t.is((await get(proxy.credential("second@example.com"))).status, 200);
  t.is(
    (await get(basicCredential({ user: "first@example.com", password: mintKey("org").text }))).status,
    407,
  );
  socket.destroy();
  t.is(seen.length, 2);
  for (const headers of seen) {
    t.is(headers["proxy-authorization"], undefined);
    t.is(headers["authorization"], "Bearer origin");
    t.is(headers["host"], new URL(url).host);
  }
  for (const subject of ["first@example.com", "second@example.com"]) {
    const row = await until(`the meter of ${subject}`, () =>
      proxy.controlPlane.rows().find((one) => one.subject === subject),
    );
    t.is(row.requests, 1);
    t.is(row.tunnels, 0);
  }
});

test("B22 a storm of one wrong key is slowed and then refused with 429, and a neighbour passes meanwhile", async (t) => {
  const { proxy } = t.context;
  const wrong = `Proxy-Authorization: ${basicCredential({ user: "storm@example.com", password: mintKey("org").text })}`;
  const storm = Promise.all(Array.from({ length: 24 }, () => connectWith(t, wrong)));
  t.is(
    (await connectWith(t, `Proxy-Authorization: ${proxy.credential("neighbour@example.com")}`)).status,
    200,
  );
  const statuses = (await storm).map(({ status }) => status);
  t.true(statuses.includes(407));
  t.true(statuses.includes(429));
  t.true(statuses.every((status) => status === 407 || status === 429));
});

test("B23 probes without a credential never count: git and Java ask first and log in then", async (t) => {
  for (let index = 0; index < 30; index += 1) t.is((await connectWith(t)).status, 407);
  t.is((await connectWith(t, `Proxy-Authorization: ${t.context.proxy.credential()}`)).status, 200);
});

test("a client certificate of the configured authority names the person; any other certificate names nobody", async (t) => {
  const authority = createAuthority({ commonName: "Device authority", days: 10 });
  const stranger = createAuthority({ commonName: "Device authority", days: 10 });
  await using proxy = await startProxy({ clientCa: authority.certificate });
  const to = `127.0.0.1:${t.context.target.port}`;
  const connectAs = async (signer: KeyedCertificate): Promise<number> => {
    const names = ["Cert.Person@example.com"];
    const leaf = issueCertificate(signer, { commonName: "device", names, days: 5, purpose: "client" });
    const socket = await proxy.dial({ cert: leaf.certificate, key: leaf.privateKey });
    socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
    const { status } = await readAnswer(socket);
    socket.destroy();
    return status;
  };
  t.is(await connectAs(authority), 200);
  t.is(await connectAs(stranger), 407);
  await until("the meter", () =>
    proxy.controlPlane.rows().some(({ subject }) => subject === "cert.person@example.com"),
  );
});

test("the key stands in no log line", async (t) => {
  const { proxy } = t.context;
  await connectWith(t, `Proxy-Authorization: ${proxy.credential()}`);
  await exchange(proxy, connectHead(proxy, "127.0.0.1:1"));
  t.false(JSON.stringify(proxy.log()).includes(proxy.key.slice(13)));
});

test("B24 B25 a key is found by its keyed hash alone, and what the proxy keeps on disk reveals none", async (t) => {
  const { proxy } = t.context;
  const text = readFileSync(join(proxy.tlsFolder, "../proxy/snapshot.json"), "utf8");
  const snapshot = v.parse(proxySnapshot, JSON.parse(text));
  t.false(text.includes(proxy.key.slice(13)));
  const keyring = createKeyring({ graceMs: 1000, now: Date.now });
  keyring.replace(snapshot);
  t.is(keyring.find(proxy.key)?.orgId, snapshot.orgs[0]?.orgId);
  t.is(keyring.find(mintKey("org").text), null);
  // Under another pepper the same hashes find nothing.
  keyring.replace({ ...snapshot, pepper: randomBytes(32).toString("base64") });
  t.is(keyring.find(proxy.key), null);
});
