import { daemonSettings, installSettings } from "@flowstate/agent/daemon-config";
import { controlPlaneOptions } from "@flowstate/control-plane/config";
import { proxyOptions } from "@flowstate/proxy/config";
import { describeOptions } from "@flowstate/shared/config/describe";
import { codes } from "@flowstate/shared/errors";
import { startOptions } from "../start/config.ts";

export interface Page {
  readonly file: string;
  readonly text: string;
}

/** Every page that is written from a table. */
export function generatedPages(): readonly Page[] {
  return [
    { file: "errors.md", text: errorsPage() },
    { file: "configuration.md", text: configurationPage() },
  ];
}

function configurationPage(): string {
  return [
    "# Configuration",
    "",
    "Every setting is an environment variable. An empty one counts as unset. A wrong one stops the program with one line that names it, what it held and what it takes.",
    "",
    "## `npm start`",
    "",
    "Starts a control plane and a proxy, which read their own settings below from the same environment.",
    "",
    describeOptions(startOptions),
    "",
    "## Control plane",
    "",
    describeOptions(controlPlaneOptions),
    "",
    "## Proxy",
    "",
    describeOptions(proxyOptions),
    "",
    "## Agent",
    "",
    describeOptions({ ...daemonSettings, ...installSettings }),
    "",
  ].join("\n");
}

function errorsPage(): string {
  const rows = Object.entries(codes).map(
    ([code, { status, exit, hint }]) => `| \`${code}\` | ${status} | ${exit} | ${hint} |`,
  );
  return [
    "# Errors",
    "",
    "Every failure a user can meet has a code. GraphQL shows it as `extensions.code`, REST as `code` of the problem, a command in its one line on standard error, and its exit code follows from it. Match the code, not the text.",
    "",
    "| code | HTTP status | exit code | what to do |",
    "|---|---|---|---|",
    ...rows,
    "",
    "Exit code 0 is success, 130 a second Ctrl-C.",
    "",
  ].join("\n");
}
