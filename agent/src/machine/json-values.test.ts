import * as jsonc from "jsonc-parser";
import test from "ava";
import fc from "fast-check";
import { missingValues, withoutValues, withValues, type JsonValue } from "./json-values.ts";

const ours: readonly JsonValue[] = [
  { keys: ["env", "OURS"], value: "1" },
  { keys: ["env", "TOO"], value: "http://127.0.0.1:4318" },
  { keys: ["enabled"], value: true },
];
const added = { env: { OURS: "1", TOO: "http://127.0.0.1:4318" }, enabled: true };

const texts: [what: string, text: string][] = [
  ["an empty object", "{}\n"],
  ["an empty object over two lines", "{\n}\n"],
  ["two spaces", '{\n  "a": 1,\n  "env": {\n    "Z": "1"\n  }\n}\n'],
  ["tabs, an empty parent and no end of line", '{\n\t"env": {},\n\t"a": [1, 2]\n}'],
  ["four spaces and CRLF", '{\r\n    "a": 1\r\n}\r\n'],
  ["one line", '{"a":1,"env":{"Z":"1"}}'],
  ["comments and a trailing comma", '// mine\n{\n  "a": 1, // one\n  /* none */\n}\n'],
];

for (const [what, text] of texts) {
  test(`values go into a JSON file and out of it to the byte: ${what}`, (t) => {
    const insertions = missingValues(text, ours) ?? [];
    const edited = withValues(text, insertions);
    const errors: jsonc.ParseError[] = [];
    t.like(jsonc.parse(edited, errors, { allowTrailingComma: true }), added);
    t.deepEqual(errors, []);
    t.is(withoutValues(edited, insertions), text);
    t.deepEqual(missingValues(edited, ours), [], "a second time nothing is missing");
    if (text.includes("\r")) t.false(/[^\r]\n/.test(edited));
  });
}

const refused: [what: string, text: string][] = [
  ["a value of the person's own", '{"env":{"TOO":"http://collector"}}'],
  ["a parent that is no object", '{"env":"x"}'],
  ["no JSON", "{"],
  ["no object", "[]"],
  ["nothing", ""],
];

for (const [what, text] of refused) {
  test(`a JSON file stays as it is: ${what}`, (t) => t.is(missingValues(text, ours), null));
}

test("what somebody has changed since stays changed, and the rest goes", (t) => {
  const text = '{\n  "a": 1\n}\n';
  const insertions = missingValues(text, ours) ?? [];
  const edited = withValues(text, insertions).replace("4318", "9999").replace('"a": 1', '"a": 2');
  const left = jsonc.parse(withoutValues(edited, insertions)) as unknown;
  t.deepEqual(left, { a: 2, env: { TOO: "http://127.0.0.1:9999" } });
  const before = missingValues("{}\n", ours) ?? [];
  const joined = { ...(jsonc.parse(withValues("{}\n", before)) as object), theirs: { b: 2 } };
  const written = JSON.stringify(joined, null, 2);
  t.is(withoutValues(written, before), JSON.stringify({ theirs: { b: 2 } }, null, 2));
  const rewritten = JSON.stringify(jsonc.parse(withValues(text, insertions)));
  t.is(withoutValues(rewritten, insertions), '{"a":1}');
});

test("no file is broken, whatever is in it and however it is laid out", (t) => {
  const document = fc.tuple(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.constantFrom(undefined, 1, 2, "\t"),
  );
  fc.assert(
    fc.property(document, ([object, indent]) => {
      const text = JSON.stringify(object, null, indent);
      const insertions = missingValues(text, ours);
      if (insertions === null) return true;
      const edited = withValues(text, insertions);
      const { env, enabled } = JSON.parse(edited) as typeof added;
      return env.OURS === "1" && enabled && withoutValues(edited, insertions) === text;
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => missingValues(text, ours) === null || JSON.parse(text)));
  t.pass();
});
