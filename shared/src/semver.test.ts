import test from "ava";
import fc from "fast-check";
import { compareVersions, isPrerelease, versionShape } from "./semver.ts";

/** Each comes before the next: the example of section 11 of Semantic Versioning 2.0.0, and numbers around it. */
const ascending = [
  "0.0.1",
  "0.9.10",
  "0.10.0",
  "1.0.0-1",
  "1.0.0-2",
  "1.0.0-10",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.1",
  "1.2.0",
  "10.0.0",
];

test("versions stand in the order of Semantic Versioning", (t) => {
  for (const [i, a] of ascending.entries())
    for (const [j, b] of ascending.entries()) {
      t.regex(a, versionShape);
      t.is(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} and ${b}`);
    }
  t.true(isPrerelease("1.0.0-rc.1"));
  t.false(isPrerelease("1.0.0"));
});

const notVersions = [
  "",
  "1",
  "1.2",
  "1.2.3.4",
  "v1.2.3",
  "01.2.3",
  "1.2.3-",
  "1.2.3-01",
  "1.2.3-a..b",
  "1.2.3-Beta",
  "1.2.3+build",
  "1.2.3/../../etc",
  "1.2.3\n",
  "../1.2.3",
  "1.2.1234567",
  `1.2.3-${"a.".repeat(40)}a`,
];

test("what is no version has no shape of one", (t) => {
  for (const text of notVersions) t.notRegex(text, versionShape, JSON.stringify(text));
});

test("any two versions compare the same from both sides, and equal only where they are one", (t) => {
  const version = fc.stringMatching(
    /^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}(?:-[0-9a-c]{1,3}(?:\.[0-9a-c]{1,2})?)?$/,
  );
  const known = version.filter((text) => versionShape.test(text));
  fc.assert(
    fc.property(known, known, known, (a, b, c) => {
      t.is(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0);
      t.is(compareVersions(a, b) === 0, a === b);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) t.true(compareVersions(a, c) <= 0);
    }),
  );
});
