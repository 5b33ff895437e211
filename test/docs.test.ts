import { readFileSync } from "node:fs";
import test from "ava";
import { generatedPages } from "../scripts/docs/pages.ts";

for (const { file, text } of generatedPages()) {
  test(`docs/${file} says what the table says (npm run docs writes it)`, (t) => {
    t.is(readFileSync(new URL(`../docs/${file}`, import.meta.url), "utf8"), text);
  });
}
