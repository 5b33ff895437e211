import test from "ava";
import * as v from "valibot";
import { uuid } from "./uuid.ts";

const texts: readonly [text: string, isUuid: boolean][] = [
  ["7d9f1f5e-4a25-4bb0-8f0b-0c8f3c2a1b11", true],
  ["7D9F1F5E-4A25-4BB0-8F0B-0C8F3C2A1B11", true],
  ["7d9f1f5e-4a25-8bb0-bf0b-0c8f3c2a1b11", true],
  ["00000000-0000-0000-0000-000000000000", true],
  ["ffffffff-ffff-ffff-ffff-ffffffffffff", true],
  ["FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", false],
  ["7d9f1f5e-4a25-0bb0-8f0b-0c8f3c2a1b11", false],
  ["7d9f1f5e-4a25-9bb0-8f0b-0c8f3c2a1b11", false],
  ["7d9f1f5e-4a25-4bb0-7f0b-0c8f3c2a1b11", false],
  ["7d9f1f5e-4a25-4bb0-cf0b-0c8f3c2a1b11", false],
  ["7d9f1f5e4a254bb08f0b0c8f3c2a1b11", false],
  ["7d9f1f5e-4a25-4bb0-8f0b-0c8f3c2a1b1g", false],
  ["7d9f1f5e-4a25-4bb0-8f0b-0c8f3c2a1b11\n", false],
  ["", false],
];

for (const [text, isUuid] of texts) {
  test(`${JSON.stringify(text)} is ${isUuid ? "a" : "no"} UUID`, (t) => t.is(v.is(uuid, text), isUuid));
}
