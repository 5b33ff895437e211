import { BlockList } from "node:net";
import test from "ava";
import fc from "fast-check";
import { vetAddress } from "./address.ts";

const nothing = new BlockList();

const prohibited = [
  ..."0.0.0.0 0.255.255.255 10.0.0.1 100.64.0.1 100.127.255.254 127.0.0.1 127.255.255.255 168.63.129.16".split(
    " ",
  ),
  ..."169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1".split(
    " ",
  ),
  ..."198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255".split(" "),
  ..."192.31.196.1 192.52.193.1 192.175.48.1 100.100.100.200".split(" "),
  ...":: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1".split(
    " ",
  ),
  ..."64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254".split(" "),
  ..."fe80::1 febf::1 fec0::1 ff02::1 2620:4f:8000::1".split(" "),
];

for (const address of prohibited) {
  test(`${address} is no target`, (t) => t.is(vetAddress(address, nothing).kind, "prohibited"));
}

const allowed = [
  ..."1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1".split(" "),
  ..."168.63.129.15 169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255".split(
    " ",
  ),
  ..."198.20.0.0 223.255.255.255 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888 2003::1 ::ffff:8.8.8.8".split(
    " ",
  ),
];

for (const address of allowed) {
  test(`${address} may be a target`, (t) => t.is(vetAddress(address, nothing).kind, "allowed"));
}

test("an allowed range opens what it names and nothing else", (t) => {
  const allow = new BlockList();
  allow.addSubnet("127.0.0.1", 32);
  t.is(vetAddress("127.0.0.1", allow).kind, "allowed");
  t.is(vetAddress("127.0.0.2", allow).kind, "prohibited");
});

test("an IPv4 address is prohibited in its mapped form exactly where it is by itself", (t) => {
  fc.assert(
    fc.property(
      fc.ipV4(),
      (address) => vetAddress(address, nothing).kind === vetAddress(`::ffff:${address}`, nothing).kind,
    ),
  );
  t.pass();
});

test("what is no address is no target", (t) => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !/^[0-9a-f:.]+$/i.test(text)),
      (text) => vetAddress(text, nothing).kind === "prohibited",
    ),
  );
  t.pass();
});
