import test from "ava";
import fc from "fast-check";
import { parseHostPort } from "./host-port.ts";

const cases: [authority: string, outcome: string][] = [
  ["api.openai.com:443", "api.openai.com 443"],
  ["API.OpenAI.com.:443", "api.openai.com 443"],
  ["foo_bar.example.com:443", "foo_bar.example.com 443"],
  ["xn--bcher-kva.example:443", "xn--bcher-kva.example 443"],
  ["192.0.2.1:80", "192.0.2.1 80"],
  ["[2001:DB8::1]:443", "2001:db8::1 443"],
  ["[0:0:0:0:0:0:0:1]:443", "::1 443"],
  ["host", "missing_port"],
  ["host:", "missing_port"],
  ["[::1]", "missing_port"],
  ["host:0", "bad_port"],
  ["host:65536", "bad_port"],
  ["host:-1", "bad_port"],
  ["host:https", "bad_port"],
  ["host:080000", "bad_port"],
  [":443", "empty_host"],
  [".:443", "empty_host"],
  ["::1:443", "bad_address"],
  ["[host]:443", "bad_address"],
  ["[::1", "bad_address"],
  ["0x7f000001:443", "bad_address"],
  ["2130706433:443", "bad_address"],
  ["127.1:443", "bad_address"],
  ["0177.0.0.1:443", "bad_address"],
  ["1.2.3.4.5:443", "bad_address"],
  ["user@host:443", "bad_character"],
  ["host:443/path", "bad_character"],
  ["host:443?x", "bad_character"],
  ["host:443#x", "bad_character"],
  ["http://host:443", "bad_character"],
  ["[fe80::1%25eth0]:443", "bad_character"],
  ["b\u00fccher.example:443", "bad_character"],
  ["-a.example:443", "bad_name"],
  ["a..example:443", "bad_name"],
  [`${"a".repeat(64)}.example:443`, "bad_name"],
  [`${"a.".repeat(127)}example:443`, "bad_name"],
  [`${"a".repeat(1100)}:443`, "too_long"],
];

for (const [authority, outcome] of cases) {
  test(`target ${JSON.stringify(authority.slice(0, 40))} -> ${outcome}`, (t) => {
    const result = parseHostPort(authority);
    t.is(result.ok ? `${result.value.host} ${result.value.port}` : result.reason, outcome);
  });
}

test("no text makes the parser throw, and what it accepts is canonical", (t) => {
  const nearly = fc
    .tuple(fc.domain(), fc.integer({ min: 0, max: 70_000 }))
    .map(([host, port]) => `${host}:${port}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly), (text) => {
      const first = parseHostPort(text);
      if (!first.ok) return true;
      const { host, port, family } = first.value;
      const again = parseHostPort(family === 6 ? `[${host}]:${port}` : `${host}:${port}`);
      return again.ok && again.value.host === host && again.value.port === port;
    }),
  );
  t.pass();
});
