import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { rolldown, type Plugin } from "rolldown";

const root = resolve(import.meta.dirname, "..");

/**
 * The agent as one module: every dependency in it, and every file that it reads beside its own source. It says that it
 * is `version`. Resolves with the folders of the packages that are in it.
 *
 * Node holds this text for as long as it runs, in twice the room where a single character of it is beyond Latin-1: so
 * there are no blanks in it, and no such characters. Names stay as they are, for whoever reads a stack trace.
 */
export async function bundle(output: string, version: string): Promise<readonly string[]> {
  const build = await rolldown({
    input: join(root, "src/main.ts"),
    platform: "node",
    // A module in the form of UMD finds its parts by a name for `require` that no bundler can follow.
    resolve: { mainFields: ["module", "main"] },
    plugins: [inlineFiles, embeddedBinding, namedVersion(version)],
  });
  try {
    const generated = await build.generate({
      format: "esm",
      codeSplitting: false,
      comments: { legal: true },
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    });
    const [chunk] = generated.output;
    const outside = /new URL\([^)]*import\.meta/.exec(chunk.code);
    if (outside !== null) throw new Error(`the bundle still looks for a file beside it: ${outside[0]}`);
    writeFileSync(output, inAscii(chunk.code));
    return [...new Set(chunk.moduleIds.flatMap(packageOf))].sort();
  } finally {
    await build.close();
  }
}

/** The same program, with every other character by its number, as texts, patterns and names may have it (ECMA-262, 12.9.4). */
function inAscii(code: string): string {
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `readFileSync(new URL("x", import.meta.url), "utf8")` becomes the text of `x`: there is no file beside the executable. */
const inlineFiles: Plugin = {
  name: "inline-files",
  transform(code, id) {
    const pattern = /readFileSync\(new URL\("([^"]+)", import\.meta\.url\), "utf8"\)/g;
    if (!pattern.test(code)) return null;
    return code.replaceAll(pattern, (_, file: string) =>
      JSON.stringify(readFileSync(join(dirname(id), file), "utf8")),
    );
  },
};

/** A release is proved by one that comes after it, built from the same sources. */
function namedVersion(version: string): Plugin {
  return {
    name: "named-version",
    load: (id) =>
      id === join(root, "src/version.ts") ? `export const version = ${JSON.stringify(version)};` : null,
  };
}

const embeddedBinding: Plugin = {
  name: "embedded-binding",
  load(id) {
    if (!/better-sqlite3[\\/]lib[\\/]binding\.js$/.test(id)) return null;
    return `module.exports = require(${JSON.stringify(join(root, "src/packaged/sqlite-binding.ts"))});`;
  },
};

function packageOf(moduleId: string): readonly string[] {
  const folder = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(moduleId)?.[0];
  return folder === undefined ? [] : [folder];
}
