import { FlowstateError } from "./errors.ts";

/** One condition, as a `doctor` command says it in a line. A warning is nothing that stops the program. */
export interface Finding {
  readonly severity: "ok" | "warn" | "fail";
  readonly text: string;
}

export const finding = {
  ok: (text: string): Finding => ({ severity: "ok", text }),
  warn: (text: string): Finding => ({ severity: "warn", text }),
  fail: (text: string): Finding => ({ severity: "fail", text }),
};

const marks = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** Prints every finding, then throws FS_UNAVAILABLE where one says that the program cannot do its work. */
export function reportFindings(findings: readonly Finding[]): void {
  for (const { severity, text } of findings) process.stdout.write(`${marks[severity]}  ${text}\n`);
  if (findings.some(({ severity }) => severity === "fail"))
    throw new FlowstateError("FS_UNAVAILABLE", "not everything is in order");
}
