import test from "ava";
import { isPublicAddress } from "./public-address.ts";

for (const [address, isPublic] of [
  ["93.184.216.34", true],
  ["2606:4700::1111", true],
  ["127.0.0.1", false],
  ["10.1.2.3", false],
  ["169.254.169.254", false],
  ["100.64.0.1", false],
  ["::1", false],
  ["::ffff:127.0.0.1", false],
  ["fd00::1", false],
  ["fe80::1", false],
  ["64:ff9b::7f00:1", false],
  ["2002:7f00:1::", false],
] as const) {
  test(`${address} is ${isPublic ? "" : "not "}a public address`, (t) => {
    t.is(isPublicAddress(address), isPublic);
  });
}
