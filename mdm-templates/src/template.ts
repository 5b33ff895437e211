import { assert } from "@flowstate/shared/assert";
import { readFileSync } from "node:fs";

/** Text of a template that ships beside the code. */
export function readTemplate(name: string): string {
  return readFileSync(new URL(`script/${name}`, import.meta.url), "utf8").trimEnd();
}

/** Puts values in place of `@@NAME@@`, once and without looking into what was put in. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/@@([A-Z_]+)@@/g, (mark, name: string) => {
    const value = values[name];
    assert(value !== undefined, `no value for ${mark}`);
    return value;
  });
}
