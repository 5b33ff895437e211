import { endianness } from "node:os";
import { runInNewContext } from "node:vm";
import test from "ava";
import fc from "fast-check";
import { aiHosts } from "@flowstate/shared/hosts";
import { forwardedFields } from "./fields.ts";
import { parseAsk, parseTunnelTarget } from "./guard.ts";
import { pacScript } from "./pac.ts";
import { findOwner } from "./peer.ts";

const tunnels: [authority: string, outcome: string][] = [
  ["api.openai.com:443", "api.openai.com:443"],
  ["[::1]:8443", "::1:8443"],
  ["127.0.0.1:8443", "127.0.0.1:8443"],
  ["127.0.0.1:7480", "loop"],
  ["127.9.9.9:7480", "loop"],
  ["localhost:7480", "loop"],
  ["[::1]:7480", "loop"],
  ["api.openai.com", "bad_target"],
  ["user@api.openai.com:443", "bad_target"],
  ["", "bad_target"],
];

for (const [authority, outcome] of tunnels) {
  test(`CONNECT ${authority} -> ${outcome}`, (t) => {
    const to = parseTunnelTarget(authority, 7480);
    t.is(to.ok ? `${to.value.host}:${to.value.port}` : to.reason, outcome);
  });
}

const inet = (ends: string, state: string, uid: number | string): string =>
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1D38 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:1D38 0100007F:C1CA 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1
   2: ${ends} ${state} 00000000:00000000 00:00000000 00000000 ${uid}        0 10999681 2 0 20 0 0 10 -1
`;
const sockets: [what: string, table: string, owner: string][] = [
  ["an open socket", inet("0100007F:C1CA 0100007F:1D38", "01", 1001), "1001 open"],
  ["root's", inet("0100007F:C1CA 0100007F:1D38", "01", "    0"), "0 open"],
  ["one that its program has closed", inet("0100007F:C1CA 0100007F:1D38", "05", 0), "0 closed"],
  [
    "one of IPv6, with an IPv4 address",
    inet("0000000000000000FFFF00000100007F:C1CA 0000000000000000FFFF00000100007F:1D38", "01", 1001),
    "1001 open",
  ],
  ["another port of the client", inet("0100007F:C1CB 0100007F:1D38", "01", 1001), "nobody"],
  ["another address of the client", inet("0200007F:C1CA 0100007F:1D38", "01", 1001), "nobody"],
  ["another server", inet("0100007F:C1CA 0100007F:1D39", "01", 1001), "nobody"],
  ["a line of another form", inet("0100007F:C1CA 0100007F:1D38", "01", "me"), "nobody"],
  ["an empty table", "", "nobody"],
];

// The tables hold addresses as the processor does.
const onLittleEndian = endianness() === "LE" ? test : test.skip;
for (const [what, table, expected] of sockets) {
  onLittleEndian(`the owner of a connection: ${what} -> ${expected}`, (t) => {
    const owner = findOwner(table, { address: "127.0.0.1", port: 0xc1_ca, serverPort: 7480 });
    t.is(owner === null ? "nobody" : `${owner.uid} ${owner.isOpen ? "open" : "closed"}`, expected);
  });
}

test("whatever a table of sockets holds, it never throws", (t) => {
  fc.assert(
    fc.property(fc.string(), (rest) => {
      t.notThrows(() =>
        findOwner(`: 0100007F:C1CA 0100007F:1D38 ${rest}`, {
          address: "127.0.0.1",
          port: 0xc1_ca,
          serverPort: 7480,
        }),
      );
    }),
  );
});

const asks: [what: string, head: Partial<Parameters<typeof parseAsk>[0]>, outcome: string][] = [
  ["the PAC file by address", { url: "/proxy.pac", host: "127.0.0.1:7480" }, "own /proxy.pac"],
  ["the PAC file by name", { url: "/proxy.pac?v=2", host: "LocalHost:7480" }, "own /proxy.pac"],
  ["an address typed by a person", { host: "localhost:7480", fetchSite: "none" }, "own /"],
  ["a rebound name", { host: "rebound.example:7480" }, "foreign_host"],
  ["a rebound name that looks like loopback", { host: "127.0.0.1.example:7480" }, "foreign_host"],
  ["another port", { host: "localhost:80" }, "foreign_host"],
  ["no host", { host: undefined }, "foreign_host"],
  ["a page's fetch", { host: "localhost:7480", origin: "https://page.example" }, "web_page"],
  ["an opaque origin", { host: "localhost:7480", origin: "null" }, "web_page"],
  ["a cross-site script tag", { host: "localhost:7480", fetchSite: "cross-site" }, "web_page"],
  ["a same-site frame", { host: "localhost:7480", fetchSite: "same-site" }, "web_page"],
  ["absolute form", { url: "http://example.com/a?b=c" }, "example.com:80 /a?b=c"],
  ["absolute form without a path", { url: "http://example.com:8080?q" }, "example.com:8080 /?q"],
  ["absolute form, IPv6", { url: "http://[::1]/x" }, "::1:80 /x"],
  [
    "a page behind the relay, absolute form",
    { url: "http://a.example/", origin: "http://b.example" },
    "a.example:80 /",
  ],
  ["absolute form to itself", { url: "http://127.0.0.1:7480/proxy.pac" }, "loop"],
  ["https in absolute form", { url: "https://example.com/" }, "bad_target"],
  ["user information", { url: "http://a@example.com/" }, "bad_target"],
  ["a fragment", { url: "http://example.com/#x" }, "bad_target"],
  ["an asterisk", { url: "*" }, "bad_target"],
];

for (const [what, head, outcome] of asks) {
  test(`a request: ${what} -> ${outcome}`, (t) => {
    const ask = parseAsk({ url: "/", host: "", origin: undefined, fetchSite: undefined, ...head }, 7480);
    const shown = !ask.ok
      ? ask.reason
      : ask.value.kind === "own"
        ? `own ${ask.value.path}`
        : `${ask.value.to.host}:${ask.value.to.port} ${ask.value.path}`;
    t.is(shown, outcome);
  });
}

test("no head makes the guard throw, and none that names a foreign host reaches the relay's own pages", (t) => {
  const text = fc.oneof(fc.string(), fc.webUrl(), fc.domain());
  fc.assert(
    fc.property(text, text, (url, host) => {
      const ask = parseAsk({ url, host, origin: undefined, fetchSite: undefined }, 7480);
      return !ask.ok || ask.value.kind !== "own" || /^(?:localhost|127\.[\d.]+|\[::1\]):7480$/i.test(host);
    }),
  );
  t.pass();
});

test("fields of one connection stay behind, and framing cannot be nominated away", (t) => {
  const raw = [
    "Connection",
    "X-Hop, Content-Length",
    "X-Hop",
    "1",
    "Content-Length",
    "3",
    "Host",
    "other",
    "A",
    "1",
  ];
  t.deepEqual(forwardedFields(raw, "example.com", false), [
    ["Host", "example.com"],
    ["Content-Length", "3"],
    ["A", "1"],
  ]);
  t.deepEqual(
    forwardedFields(["Proxy-Authorization", "Basic x", "Transfer-Encoding", "Chunked"], null, false),
    [["Transfer-Encoding", "chunked"]],
  );
});

test("the PAC script sends every AI host to the relay and nothing else", (t) => {
  const find = (script: string) => {
    const shExpMatch = (text: string, glob: string): boolean =>
      new RegExp(`^${glob.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(text);
    const context = { shExpMatch, result: "", host: "" };
    return (host: string): unknown =>
      runInNewContext(`${script}; FindProxyForURL("https://" + host + "/", host)`, { ...context, host });
  };
  const open = find(pacScript(7480, "direct"));
  for (const { pattern, mode } of aiHosts) {
    if (mode !== "ignore") t.is(open(pattern.replaceAll("*", "x")), "PROXY 127.0.0.1:7480; DIRECT", pattern);
  }
  t.is(open("example.com"), "DIRECT");
  t.is(open("auth.openai.com"), "DIRECT");
  t.is(find(pacScript(7480, "fail"))("API.OpenAI.com"), "PROXY 127.0.0.1:7480");
});
