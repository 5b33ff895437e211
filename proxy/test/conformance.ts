/**
 * `npm run conformance -w proxy`: runs every numbered case against this proxy and prints a table, case by case.
 * `--against HOST:PORT` runs the same cases against another one, which must speak TLS to its clients, and allow
 * loopback and any port as a target.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createProgram, runProgram } from "@flowstate/shared/cli";
import { version } from "../src/version.ts";
import { notApplicable } from "./support/against.ts";

interface Options {
  readonly against?: string;
  readonly credentials?: string;
  readonly ca?: string;
}

type Verdict = "pass" | "FAIL" | "not applicable";

interface Outcome {
  readonly title: string;
  readonly verdict: Verdict;
}

/** Cases that are rules and parsers of ours. */
const unitFiles = [
  "proxy/src/decide/rules.test.ts",
  "proxy/src/accept/proxy-protocol.test.ts",
  "shared/src/destination.test.ts",
];

/** How many cases each section of the table has. */
const sections = { A: 32, B: 26, C: 19, D: 13, E: 22, F: 27, G: 13, H: 5, I: 8, J: 8 } as const;

const program = createProgram("conformance", "Runs the numbered conformance cases", version)
  .option("--against <host:port>", "another proxy to try, instead of this one")
  .option("--credentials <file>", "its user:password")
  .option("--ca <file>", "PEM of the authority of its certificate")
  .action(async (options: Options) => {
    const outcomes = await runCases(options);
    process.stdout.write(renderTable(outcomes));
    if (outcomes.some(({ verdict }) => verdict === "FAIL")) process.exitCode = 1;
  });
process.exitCode = (await runProgram(program, process.argv.slice(2))) || process.exitCode;

/** A foreign proxy may leave a case hanging, which ends its file; so each file is run by itself then. */
async function runCases({ against, credentials, ca }: Options): Promise<readonly Outcome[]> {
  const files = readdirSync(import.meta.dirname)
    .filter((name) => name.startsWith("conformance-"))
    .map((name) => `proxy/test/${name}`);
  if (against === undefined) return runFiles([...files, ...unitFiles], {});
  const env = {
    FLOWSTATE_CONFORMANCE_AGAINST: against,
    ...(credentials === undefined ? {} : { FLOWSTATE_CONFORMANCE_CREDENTIALS: resolve(credentials) }),
    ...(ca === undefined ? {} : { FLOWSTATE_CONFORMANCE_CA: resolve(ca) }),
  };
  const outcomes: Outcome[] = [];
  for (const file of files) outcomes.push(...(await runFiles([file], env)));
  return outcomes;
}

async function runFiles(
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly Outcome[]> {
  const root = join(import.meta.dirname, "../..");
  const ava = join(root, "node_modules/ava/entrypoints/cli.js");
  const child = spawn(process.execPath, [ava, "--tap", ...files], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const closed = once(child, "close");
  const outcomes: Outcome[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [, not, title] = /^(not )?ok \d+ - (?:.* › )?(.*)$/.exec(line) ?? [];
    const last = outcomes.at(-1);
    if (title !== undefined) outcomes.push({ title, verdict: not === undefined ? "pass" : "FAIL" });
    else if (last?.verdict === "FAIL" && line.includes(notApplicable))
      outcomes[outcomes.length - 1] = { ...last, verdict: "not applicable" };
  }
  await closed;
  return outcomes;
}

function renderTable(outcomes: readonly Outcome[]): string {
  const lines: string[] = [];
  const totals = new Map<string, number>();
  for (const [section, count] of Object.entries(sections)) {
    for (let index = 1; index <= count; index += 1) {
      const id = `${section}${index}`;
      const own = outcomes.filter(({ title }) => idsOf(title).includes(id));
      const verdict = sumUp(own);
      totals.set(verdict, (totals.get(verdict) ?? 0) + 1);
      lines.push(`${id.padEnd(4)} ${verdict.padEnd(15)} ${describe(own, verdict)}`);
    }
  }
  const summary = Array.from(totals, ([verdict, count]) => `${count} ${verdict}`).join(", ");
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n\n${summary}\n`;
}

/** The numbers at the start of a title. */
function idsOf(title: string): readonly string[] {
  return /^(?:[A-J]\d{1,2} )+/.exec(title)?.[0].trim().split(" ") ?? [];
}

function sumUp(outcomes: readonly Outcome[]): Verdict | "not run" {
  const verdicts = new Set(outcomes.map(({ verdict }) => verdict));
  if (verdicts.has("FAIL")) return "FAIL";
  return verdicts.has("pass") ? "pass" : verdicts.has("not applicable") ? "not applicable" : "not run";
}

function describe(outcomes: readonly Outcome[], verdict: string): string {
  const shown = outcomes.filter((outcome) => verdict !== "FAIL" || outcome.verdict === "FAIL");
  const [first] = shown;
  if (first === undefined) return "";
  const text = first.title.replace(/^(?:[A-J]\d{1,2} )+/, "").slice(0, 90);
  return shown.length === 1 ? text : `${text} (and ${shown.length - 1} more)`;
}
