import { codes } from "@flowstate/shared/errors";

export interface Page {
  readonly file: string;
  readonly text: string;
}

/** Every page that is written from a table. */
export function generatedPages(): readonly Page[] {
  return [{ file: "errors.md", text: errorsPage() }];
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
