import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import type { Plugin } from "vite";
import type { Written } from "./src/operation.ts";

/**
 * Leaves the application the hash of each operation, and writes their texts to `operations.json` for the server, by hash
 * (SHA-256, hexadecimal). A hash in the address of a module makes a build after a change read it anew.
 */
export function persistOperations(): Plugin {
  const texts = new Map<string, string>();
  return {
    name: "persist-operations",
    async transform(code, file) {
      if (!/\/src\/operations\/[\w-]+\.ts$/.test(file)) return null;
      const address = `${pathToFileURL(file).href}?${hashOf(code)}`;
      const module = (await import(address)) as Readonly<Record<string, Written>>;
      const lines = Object.entries(module).map(([name, { text }]) => {
        const id = hashOf(text);
        texts.set(id, text);
        return `export const ${name} = { id: "${id}" };`;
      });
      return { code: lines.join("\n"), map: null };
    },
    generateBundle() {
      const sorted = Object.fromEntries([...texts].sort(([a], [b]) => (a < b ? -1 : 1)));
      this.emitFile({ type: "asset", fileName: "operations.json", source: JSON.stringify(sorted, null, 2) });
    },
  };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
