import { createProgram } from "@flowstate/shared/cli";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Command } from "commander";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeTarget } from "./describe.ts";
import type { PayloadFile } from "./payload.ts";
import { render, targets } from "./render.ts";

interface RenderFlags {
  readonly proxyHost: string;
  readonly secretName?: string;
  readonly proxy: string | boolean;
  readonly variant?: string;
  readonly out?: string;
  readonly mode?: string;
  readonly relayPort?: string;
  readonly lowerCase?: boolean;
  readonly replace?: boolean;
  readonly scope?: string;
  readonly ca?: string;
  readonly identity?: string;
  readonly certificateIssuer?: string;
  readonly extensionId?: string;
  readonly emailDomain?: string;
  readonly force?: boolean;
}

export function createMdmProgram(): Command {
  const program = createProgram("flowstate-mdm", "Payloads that make managed devices use the proxy", "0.1.0");
  program
    .command("render")
    .description("print the payload of one target; its steps and caveats go to standard error")
    .argument("<target>", targets.map(({ id }) => id).join(", "))
    .requiredOption("--proxy-host <host[:port]>", "host name of the proxy")
    .option("--secret-name <name>", "name of the secret in the MDM (default MDM_FLOWSTATE_KEY)")
    .option("--no-proxy <list>", "corporate domains and hosts that stay direct, separated by commas")
    .option("--variant <variant>", "install, uninstall, detect or remediate (default the target's first)")
    .option("--out <file>", "write it there, and further files beside it, instead of printing it")
    .option("--mode <mode>", "direct (default), or loopback through the agent's relay")
    .option("--relay-port <port>", "port of the agent's relay (default 7480)")
    .option("--lower-case", "set the lower-case names as well")
    .option("--replace", "override a proxy that others configured; it comes back on uninstall")
    .option("--scope <scope>", "user (default), or machine in loopback mode")
    .option("--ca <file>", "PEM of the proxy's own certificate authority")
    .option("--identity <kind>", "Google Workspace: extension (default) or certificate")
    .option("--certificate-issuer <name>", "Google Workspace: common name of the client certificates' issuer")
    .option("--extension-id <id>", "Google Workspace: id of the published extension")
    .option("--email-domain <domain>", "JumpCloud: the e-mail is the local user name at this domain")
    .option("--force", "take NO_PROXY entries that would let AI traffic pass unmetered")
    .action(renderCommand);
  program
    .command("docs")
    .description("write one page per target")
    .argument("<folder>")
    .action((folder: string) => {
      mkdirSync(folder, { recursive: true });
      for (const target of targets) writeFileSync(join(folder, `${target.id}.md`), describeTarget(target));
    });
  return program;
}

function renderCommand(target: string, flags: RenderFlags): void {
  const { proxy, ca, relayPort, variant, out, ...settings } = flags;
  const first = targets.find(({ id }) => id === target)?.variants[0] ?? "install";
  const payload = render(target, variant ?? first, {
    ...settings,
    noProxy: typeof proxy === "string" ? proxy.split(",").filter((entry) => entry.trim() !== "") : undefined,
    relayPort: relayPort === undefined ? undefined : Number(relayPort),
    caPem: ca === undefined ? undefined : readFileSync(ca, "utf8"),
    nonce: randomBytes(12).toString("hex"),
  });
  if (!payload.ok) throw new FlowstateError("FS_INPUT_INVALID", payload.detail);
  const { content, companions, steps, caveats } = payload.value;
  if (out === undefined) process.stdout.write(content);
  else writeFiles(out, content, companions);
  const notes = [
    ...steps.map((step, index) => `${index + 1}. ${step}`),
    ...caveats.map((caveat) => `Note: ${caveat}`),
  ];
  process.stderr.write(`${notes.join("\n")}\n`);
}

/** Only for the owner: an administrator may put the key into it. */
function writeFiles(out: string, content: string, companions: readonly PayloadFile[]): void {
  const files = [
    [out, content] as const,
    ...companions.map((file) => [join(dirname(out), file.filename), file.content] as const),
  ];
  for (const [file, text] of files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
    chmodSync(file, 0o600);
  }
}
