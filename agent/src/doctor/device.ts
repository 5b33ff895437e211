import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "@flowstate/shared/cli";
import { finding, type Finding } from "@flowstate/shared/findings";
import { discover } from "../observe/files/discover.ts";
import { sourcesOf, type Home } from "../observe/files/sources.ts";

/** The data folder holds what people did: it is to be writable for its person and closed to everybody else. */
export function findFolder(folder: string): Finding {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK);
    const open = process.platform !== "win32" && (statSync(folder).mode & 0o077) !== 0;
    return open
      ? finding.warn(`data folder: ${folder} can be read by other users; chmod 700 closes it`)
      : finding.ok(`data folder: ${folder} is writable and private`);
  } catch (error) {
    return finding.fail(`data folder: ${describeError(error)}`);
  }
}

/** Tools that leave nothing a reader could count, by the folder that shows they are used. */
const unreadable: readonly (readonly [tool: string, folder: string])[] = [
  ["Windsurf", ".codeium/windsurf"],
  ["Cursor", ".cursor"],
  ["Aider", ".aider"],
];

/** Which tools' logs are found, and which calls no log will ever show. */
export function findLogs(machine: Home): readonly Finding[] {
  const { home, env } = machine;
  const tools = Map.groupBy(discover(sourcesOf(machine)), ({ tool }) => tool);
  const counts = [...tools].map(([tool, files]) => `${tool} ${files.length}`).sort();
  return [
    counts.length === 0
      ? finding.warn(`session logs: none in ${home}`)
      : finding.ok(`session logs: ${counts.join(", ")}`),
    ...unreadable
      .filter(([, folder]) => existsSync(join(home, folder)))
      .map(([tool]) =>
        finding.warn(`session logs: ${tool} writes none that hold tokens; only the wire shows it`),
      ),
    ...(["CLAUDE_CODE_SKIP_PROMPT_HISTORY", "CLAUDE_CODE_CHILD_SESSION"] as const)
      .filter((name) => (env[name] ?? "") !== "")
      .map((name) => finding.warn(`session logs: ${name} is set, and Claude Code writes none where it is`)),
  ];
}

/** Whether command-line tools of this shell use the relay. */
export function findShell(env: NodeJS.ProcessEnv, relay: string | null): readonly Finding[] {
  if (relay === null) return [];
  const given = env["HTTPS_PROXY"] ?? env["https_proxy"] ?? "";
  if (given === "")
    return [finding.warn(`shell: HTTPS_PROXY is not set; tools started here pass by ${relay}`)];
  return URL.canParse(given) && new URL(given).host === new URL(relay).host
    ? [finding.ok(`shell: HTTPS_PROXY leads to the relay`)]
    : [finding.warn(`shell: HTTPS_PROXY leads elsewhere than to ${relay}`)];
}
