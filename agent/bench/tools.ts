/**
 * `node agent/bench/tools.ts`: Claude Code, Codex CLI and Gemini CLI themselves, from npm, against local servers that
 * speak their vendors' APIs. Each tells of its calls in its log and by OpenTelemetry to a daemon; says whether every
 * answer was reported once, with the tokens that the vendor charged for. The tools take a gigabyte while it runs.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { promptTokens } from "@flowstate/shared/tokens";
import { readLedger } from "../src/ledger/read.ts";
import { startIngest } from "../test/support/ingest.ts";
import { newPerson } from "../test/support/person.ts";
import { startVendors, type Answer } from "./vendors.ts";

interface Tool {
  readonly name: string;
  readonly api: Answer["api"];
  readonly package: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const runs = 2;
const prompt = "say hello";
const patientMs = 120_000;

using folder = temporaryFolder();
await using vendors = await startVendors();
await using ingest = await startIngest();
await using person = newPerson({
  FLOWSTATE_CONTROL_PLANE: ingest.url,
  FLOWSTATE_CAPTURE: "session-logs,otlp",
  FLOWSTATE_HOLD_MS: "3000",
});
await person.startDaemon();
const status = JSON.parse((await person.flowstate("status", "--json")).stdout) as {
  readonly telemetry: { readonly address: string };
};
const otlp = status.telemetry.address;

person.write(
  ".codex/config.toml",
  `model = "gpt-5.1-codex"
model_provider = "local"
[model_providers.local]
name = "local"
base_url = "${vendors.url}/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
[otel]
exporter = { otlp-http = { endpoint = "${otlp}/v1/logs", protocol = "binary" } }
`,
);
person.write(
  ".gemini/settings.json",
  JSON.stringify({
    security: { auth: { selectedType: "gemini-api-key" } },
    telemetry: {
      enabled: true,
      target: "local",
      otlpEndpoint: otlp,
      otlpProtocol: "http",
      logPrompts: false,
    },
  }),
);

const tools: readonly Tool[] = [
  {
    name: "claude-code",
    api: "anthropic",
    package: "@anthropic-ai/claude-code@2.1.329",
    command: ["claude", "-p", prompt],
    env: {
      ANTHROPIC_BASE_URL: vendors.url,
      ANTHROPIC_API_KEY: "sk-ant-none",
      CLAUDE_CODE_ENABLE_TELEMETRY: "1",
      OTEL_LOGS_EXPORTER: "otlp",
      OTEL_METRICS_EXPORTER: "otlp",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
      DISABLE_AUTOUPDATER: "1",
      IS_SANDBOX: "1",
    },
  },
  {
    name: "codex-cli",
    api: "openai",
    package: "@openai/codex@0.169.0",
    command: ["codex", "exec", "--skip-git-repo-check", prompt],
    env: { OPENAI_API_KEY: "sk-none" },
  },
  {
    name: "gemini-cli",
    api: "gemini",
    package: "@google/gemini-cli@0.61.0",
    command: ["gemini", "-m", "gemini-2.5-flash", "-p", prompt],
    env: {
      GEMINI_API_KEY: "none",
      GOOGLE_GEMINI_BASE_URL: vendors.url,
      GEMINI_CLI_TRUST_WORKSPACE: "true",
    },
  },
];

install(tools.map((tool) => tool.package));
const work = join(person.home, "work");
mkdirSync(work);
for (const tool of tools) for (let run = 0; run < runs; run += 1) await runTool(tool);

const reported = (tool: string) => ingest.calls().filter((call) => call.tool === tool);
await until(
  "every answer to be reported",
  () => ingest.calls().length >= vendors.answers.length,
  patientMs,
).catch(() => undefined);
const ledger = readLedger(join(person.home, ".flowstate/ledger.db"));
let wrong = 0;
for (const { name, api, package: from } of tools) {
  const answers = vendors.answers.filter((answer) => answer.api === api);
  const calls = reported(name);
  const right = answers.filter(
    ({ prompt: tokens, output }) =>
      calls.filter((call) => promptTokens(call.tokens) === tokens && call.tokens.output === output).length ===
      1,
  );
  const twice = ledger.filter(
    ({ call: { sightings } }) => sightings.otlp?.tool === name && sightings["session-log"] !== undefined,
  );
  const isRight = answers.length > 0 && right.length === answers.length && calls.length === answers.length;
  wrong += isRight ? 0 : 1;
  print(
    `${from}: ${answers.length} answers, ${calls.length} calls reported, ${right.length} with their tokens, ${twice.length} seen by log and telemetry: ${isRight ? "right" : "WRONG"}`,
  );
}
process.exitCode = wrong === 0 ? 0 : 1;

function install(packages: readonly string[]): void {
  const { status: code, stderr } = spawnSync(
    "npm",
    ["install", "--prefix", folder.path, "--no-save", ...packages],
    { encoding: "utf8" },
  );
  if (code !== 0) throw new Error(`the tools could not be installed: ${stderr}`);
}

async function runTool({ name, command: [program = "", ...args], env }: Tool): Promise<void> {
  const child = spawn(join(folder.path, "node_modules/.bin", program), args, {
    cwd: work,
    env: { HOME: person.home, PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: patientMs,
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) print(`${name} ended with ${code}: ${said.slice(-500)}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
