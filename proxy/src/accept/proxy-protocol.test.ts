import test from "ava";
import fc from "fast-check";
import { parseProxyHeader } from "./proxy-protocol.ts";

const signature = "\r\n\r\n\0\r\nQUIT\n";
const v2 = (
  command: number,
  family: number,
  addresses: readonly number[],
  length = addresses.length,
): Buffer =>
  Buffer.concat([
    Buffer.from(signature, "latin1"),
    Buffer.from([command, family, length >> 8, length & 255, ...addresses]),
  ]);
const four = [192, 0, 2, 1, 198, 51, 100, 1, 1, 2, 3, 4];
const six = [
  0x20,
  1,
  0xd,
  0xb8,
  ...Array.from({ length: 11 }, () => 0),
  1,
  ...Array.from({ length: 20 }, () => 0),
];

const cases: [what: string, bytes: Buffer, result: string][] = [
  ["v1 over IPv4", Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nrest"), "192.0.2.1 45"],
  ["v1 over IPv6", Buffer.from("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"), "2001:db8::1 40"],
  ["v1 of something unknown", Buffer.from("PROXY UNKNOWN ffff whatever\r\n"), "null 29"],
  ["v1 that is not finished", Buffer.from("PROXY TCP4 192.0.2.1 "), "incomplete"],
  ["the first letter", Buffer.from("P"), "incomplete"],
  ["v1 without an end", Buffer.from(`PROXY TCP4 ${"1".repeat(200)}`), "malformed"],
  ["v1 with a wrong address", Buffer.from("PROXY TCP4 2001:db8::1 192.0.2.1 1 2\r\n"), "malformed"],
  ["v1 with a wrong port", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 70000 2\r\n"), "malformed"],
  ["v1 with a leading zero", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"), "malformed"],
  ["v1 of another family", Buffer.from("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), "malformed"],
  ["v1 with a word too many", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), "malformed"],
  ["v2 over IPv4", v2(0x21, 0x11, four), "192.0.2.1 28"],
  ["v2 over IPv4 with an extension", v2(0x21, 0x11, [...four, 3, 0, 1, 0]), "192.0.2.1 32"],
  ["v2 over IPv6", v2(0x21, 0x21, six), "2001:db8::1 52"],
  ["v2 LOCAL", v2(0x20, 0, []), "null 16"],
  ["v2 over something unknown", v2(0x21, 0, []), "null 16"],
  ["v2 with addresses missing", v2(0x21, 0x11, four.slice(0, 4)), "malformed"],
  ["v2 of a later version", v2(0x31, 0x11, four), "malformed"],
  ["v2 with another command", v2(0x22, 0x11, four), "malformed"],
  ["v2 longer than any", v2(0x21, 0x11, four, 60_000), "malformed"],
  ["v2 that is not finished", v2(0x21, 0x11, four, 40), "incomplete"],
  ["a ClientHello", Buffer.from([22, 3, 1, 0, 200]), "malformed"],
  ["nothing", Buffer.alloc(0), "incomplete"],
];

for (const [what, bytes, result] of cases) {
  test(`J6 ${what} -> ${result}`, (t) => {
    const header = parseProxyHeader(bytes);
    t.is(header.kind === "header" ? `${header.address} ${header.length}` : header.kind, result);
  });
}

test("J6 no bytes make the parser throw, and a whole header is incomplete until its last byte", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, signed) => {
      parseProxyHeader(Buffer.concat([Buffer.from(signed ? signature : "PROXY ", "latin1"), bytes]));
      parseProxyHeader(Buffer.from(bytes));
    }),
  );
  for (const [, bytes] of cases.slice(0, 2)) {
    const end = bytes.indexOf("\r\n") + 2;
    for (let length = 0; length < end; length += 1)
      t.is(parseProxyHeader(bytes.subarray(0, length)).kind, "incomplete");
  }
});
