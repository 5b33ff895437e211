/**
 * Versions as Semantic Versioning 2.0.0 has them, without build metadata: `1.12.1`, `1.13.0-beta.2`. Prerelease
 * identifiers are lower case, so that a version is a file name everywhere.
 */
const part = "(?:0|[1-9]\\d{0,5})";
const identifier = `(?:${part}|\\d{0,32}[a-z][0-9a-z]{0,32})`;
export const versionShape: RegExp = new RegExp(
  `^(?=.{5,64}$)${part}\\.${part}\\.${part}(?:-${identifier}(?:\\.${identifier})*)?$`,
);

/** Negative where `a` comes before `b` (section 11), 0 where they are the same. Both have the shape above. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [splitVersion(a), splitVersion(b)];
  const core = compareLists(left.core, right.core);
  if (core !== 0) return core;
  // A release comes after what was made before it.
  if (left.prerelease.length === 0 || right.prerelease.length === 0)
    return right.prerelease.length - left.prerelease.length;
  return compareLists(left.prerelease, right.prerelease);
}

/** Whether it was made before the release whose numbers it bears. */
export function isPrerelease(version: string): boolean {
  return version.includes("-");
}

function splitVersion(version: string): {
  readonly core: readonly string[];
  readonly prerelease: readonly string[];
} {
  const dash = version.indexOf("-");
  const core = dash < 0 ? version : version.slice(0, dash);
  return { core: core.split("."), prerelease: dash < 0 ? [] : version.slice(dash + 1).split(".") };
}

/** The first difference decides; where there is none, the longer list comes after. */
function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    const difference = compareIdentifiers(left, right);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Numbers by their value and before words; words by their letters. */
function compareIdentifiers(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOtherNumber) return Number(a) - Number(b);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
