/**
 * `node agent/bench/codex-socket.ts`: Codex CLI itself, from npm, over the WebSocket that it opens first, through relay
 * and intercept of a daemon to a local server that speaks the vendor's API. Says whether every answer is one call with
 * the tokens that the vendor charged for, by which sources it was seen, and what Codex shows of a refused one. Linux
 * alone; it takes 300 MB while it runs.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { promptTokens } from "@flowstate/shared/tokens";
import { defaultAgentSettings } from "@flowstate/shared/wire/agent-policy";
import { readLedger } from "../src/ledger/read.ts";
import { startCloudProxy } from "../test/support/cloud-proxy.ts";
import { newPerson } from "../test/support/person.ts";
import { startPolicyDesk } from "../test/support/policy-desk.ts";
import { startProvider } from "../test/support/provider.ts";
import { authority } from "../test/support/tls.ts";
import { openAiAnswer, type Numbered } from "./vendors.ts";

const codex = "@openai/codex@0.169.0";
const runs = 2;
const patientMs = 120_000;

using folder = temporaryFolder();
const installed = spawnSync("npm", ["install", "--prefix", folder.path, "--no-save", codex], {
  encoding: "utf8",
});
if (installed.status !== 0) throw new Error(`Codex could not be installed: ${installed.stderr}`);

const answers: Numbered[] = [];
await using vendor = await startProvider(
  (request, response) => {
    request.resume();
    response.statusCode = 404;
    response.end("{}");
  },
  {
    compression: true,
    talk(socket) {
      socket.on("message", (data: Buffer) => {
        const { generate } = JSON.parse(data.toString()) as { readonly generate?: boolean };
        const id = answers.length + 1;
        const isWarmUp = generate === false;
        const answer = { id, prompt: 2000 + id, output: isWarmUp ? 0 : 40 + id };
        answers.push(answer);
        for (const [event, body] of openAiAnswer(answer)) {
          if (!isWarmUp || event !== "response.output_item.done") socket.send(JSON.stringify(body));
        }
      });
    },
  },
);
await using proxy = await startCloudProxy({ leadTo: vendor.port });
await using desk = await startPolicyDesk();
await using person = newPerson({
  FLOWSTATE_CONTROL_PLANE: desk.url,
  FLOWSTATE_CAPTURE: "session-logs,otlp,relay,intercept",
  FLOWSTATE_CLOUD_PROXY: proxy.url.origin,
});
const trusted = join(person.home, "authority.pem");
writeFileSync(trusted, authority.certificate);
const { relay } = await person.startDaemon({
  NODE_EXTRA_CA_CERTS: trusted,
  FLOWSTATE_CLOUD_PROXY_CA: trusted,
});
const { telemetry } = JSON.parse((await person.flowstate("status", "--json")).stdout) as {
  readonly telemetry: { readonly address: string };
};
person.write(".codex/auth.json", JSON.stringify({ OPENAI_API_KEY: "sk-none" }));
person.write(
  ".codex/config.toml",
  `model = "gpt-5.1-codex"
[otel]
exporter = { otlp-http = { endpoint = "${telemetry.address}/v1/logs", protocol = "binary" } }
`,
);
const work = join(person.home, "work");
mkdirSync(work);

for (let run = 0; run < runs; run += 1) await runCodex();
const answered = answers.length;
const ofAnswers = (): readonly (readonly string[])[] =>
  readLedger(join(person.home, ".flowstate/ledger.db")).map(({ call: { sightings } }) => {
    const wire = sightings.intercept;
    const answer = answers.find(
      ({ prompt, output }) => wire?.tokens.output === output && promptTokens(wire.tokens) === prompt,
    );
    return answer === undefined ? [] : Object.keys(sightings).sort();
  });
const isSettled = (): boolean =>
  ofAnswers().filter((sources) => sources.includes("otlp") && sources.includes("intercept")).length ===
  answered;
await until("every answer to be one call", isSettled, patientMs).catch(() => undefined);
for (const sources of ofAnswers()) print(`a call seen by ${sources.join(", ") || "something else"}`);
const isRight = answered > 0 && isSettled() && ofAnswers().length === answered;
print(
  `${codex}: ${answered} answers over WebSockets, ${ofAnswers().length} calls: ${isRight ? "right" : "WRONG"}`,
);

desk.put({
  version: 1,
  rules: [
    {
      rule: { name: "No Codex", type: "MODEL_DENYLIST", action: "BLOCK", models: ["gpt-5.1-codex"] },
      spentUsd: null,
    },
  ],
  settings: { ...defaultAgentSettings, enforcement: "enforce" },
});
await until(
  "the rule",
  async () => (await person.flowstate("policy", "--json")).stdout.includes("No Codex"),
  patientMs,
);
const startedAt = performance.now();
const shown = await runCodex();
const isRefused = shown.includes("No Codex") && answers.length === answered;
print(
  `refused, and done in ${Math.round(performance.now() - startedAt)} ms: ${isRefused ? "right" : "WRONG"}`,
);
print(shown.split("\n").find((line) => line.includes("No Codex")) ?? shown.slice(-500));
process.exitCode = isRight && isRefused ? 0 : 1;

/** What Codex says on its way. */
async function runCodex(): Promise<string> {
  const ca = join(person.home, ".flowstate/tls/ca.pem");
  const command = ["exec", "--skip-git-repo-check", "say hello"];
  const child = spawn(join(folder.path, "node_modules/.bin/codex"), command, {
    cwd: work,
    env: {
      HOME: person.home,
      PATH: process.env["PATH"],
      OPENAI_API_KEY: "sk-none",
      HTTPS_PROXY: relay ?? "",
      NO_PROXY: "127.0.0.1",
      CODEX_CA_CERTIFICATE: ca,
      SSL_CERT_FILE: ca,
    },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: patientMs,
  });
  const closed = once(child, "close");
  const said = await text(child.stderr);
  await closed;
  return said;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
