/** `npm run check`: format, lint, types, unused code; every tool runs even when one before it fails. */
import { spawnSync } from "node:child_process";

const steps: readonly [name: string, ...command: string[]][] = [
  ["format", "oxfmt", "--check", "."],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["types", "tsc", "-b"],
  ["unused", "knip"],
];

const failed = steps.filter(([name, command = "", ...args]) => {
  process.stdout.write(`check: ${name}\n`);
  return spawnSync(command, args, { stdio: "inherit" }).status !== 0;
});

if (failed.length > 0) {
  process.stderr.write(`check failed: ${failed.map(([name]) => name).join(", ")}\n`);
  process.exitCode = 1;
}
