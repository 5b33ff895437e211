import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemCode } from "@flowstate/shared/errors";

/** A Chromium that came with npm, unpacked, and what it needs in its environment. */
export interface Chromium {
  readonly executablePath: string;
  /** Where the libraries (NSS) and fonts lie that a bare machine lacks. */
  readonly env: { readonly LD_LIBRARY_PATH: string; readonly FONTCONFIG_PATH: string };
}

const cache = fileURLToPath(new URL("../../../node_modules/.cache", import.meta.url));

/**
 * Unpacks it once for all test processes. Each that finds none unpacks into a folder of its own and then gives that its
 * name, so that nobody starts half a browser.
 */
export async function unpackChromium(): Promise<Chromium> {
  const folder = join(cache, `chromium-${installedVersion()}`);
  if (!existsSync(folder)) await unpack(folder);
  return {
    executablePath: join(folder, "chromium"),
    env: { LD_LIBRARY_PATH: join(folder, "al2023/lib"), FONTCONFIG_PATH: join(folder, "fonts") },
  };
}

function installedVersion(): string {
  const file = findPackageJSON("@sparticuz/chromium", import.meta.url);
  if (file === undefined) throw new Error("@sparticuz/chromium is not installed");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

async function unpack(folder: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const own = mkdtempSync(`${folder}.`);
  try {
    // The package unpacks into the folder for temporary files, and the libraries only where it takes itself for a function.
    await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      env: { ...process.env, TMPDIR: own, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x" },
    });
    const fonts = join(own, "fonts/fonts.conf");
    writeFileSync(fonts, readFileSync(fonts, "utf8").replace("/tmp/fonts", join(folder, "fonts")));
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    // Another process was first.
    if (systemCode(error) !== "ENOTEMPTY" && systemCode(error) !== "EEXIST") throw error;
  }
}

const script = `import chromium from "@sparticuz/chromium"; await chromium.executablePath();`;
