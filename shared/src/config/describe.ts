import type { Option } from "./option.ts";

/** The settings of one program as a Markdown table, for docs/configuration.md. */
export function describeOptions(declaration: Readonly<Record<string, Option<unknown>>>): string {
  const rows = Object.values(declaration).map(
    ({ env, fallback, takes, describe }) =>
      `| \`${env}\` | ${fallback === undefined ? "unset" : fallback === "" ? "empty" : `\`${fallback}\``} | ${takes} | ${describe} |`,
  );
  return ["| setting | default | takes | what it is |", "|---|---|---|---|", ...rows].join("\n");
}
