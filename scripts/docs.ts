/** `npm run docs`: writes the pages of docs/ that follow from a table, so that page and table cannot drift apart. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { generatedPages } from "./docs/pages.ts";

const folder = resolve(import.meta.dirname, "../docs");

for (const { file, text } of generatedPages()) writeFileSync(join(folder, file), text);
