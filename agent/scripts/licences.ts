import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { nodeVersion } from "./targets.ts";

const root = resolve(import.meta.dirname, "..");

/** What is in an executable, by name, version and licence: Node, the packages, and the list of prices. */
export function licences(node: string, folders: readonly string[]): string {
  const prices = readFileSync(resolve(root, "../shared/src/prices/book.data.LICENSE"), "utf8").trim();
  const parts = [nodeLicence(node), ...folders.map(packageLicence), prices];
  return parts.join(`\n\n${"-".repeat(72)}\n\n`).concat("\n");
}

/** Its package has the licences of its parts, in the folder above the program's. */
function nodeLicence(node: string): string {
  return [
    `node ${nodeVersion} (MIT, and those of its parts)`,
    ...licenceTexts(resolve(dirname(node), "..")),
  ].join("\n\n");
}

function packageLicence(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const kept = licenceTexts(folder);
  const texts = kept.length > 0 ? kept : missingTexts(name);
  return [`${name} ${version} (${license ?? "no licence named"})`, ...texts].join("\n\n");
}

/** The native part of Koffi is a package of its own, without the text of Koffi's licence. */
function missingTexts(name: string): readonly string[] {
  if (!name.startsWith("@koromix/koffi-")) return [];
  return [readFileSync(join(root, "src/packaged/koffi.LICENSE"), "utf8").trim()];
}

function licenceTexts(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
}
