import { once } from "node:events";
import type { Command } from "commander";
import { createProgram } from "@flowstate/shared/cli";
import { untilSignal } from "@flowstate/shared/lifecycle";
import { readCertificate } from "./accept/certificate.ts";
import { compose } from "./compose.ts";
import { readConfig, type Config } from "./config.ts";
import { version } from "./version.ts";

/** `flowstate-proxy`. */
export function proxyProgram(env: NodeJS.ProcessEnv): Command {
  const program = createProgram("flowstate-proxy", "The Flowstate forward proxy", version);
  program
    .command("serve")
    .description("run the proxy")
    .action(() => serve(readConfig(env)));
  program
    .command("check-config")
    .description("read every setting and the certificate, and say what is wrong")
    .action(() => {
      readCertificate(readConfig(env));
      process.stdout.write("the settings are in order\n");
    });
  return program;
}

async function serve(config: Config): Promise<void> {
  const signal = untilSignal();
  const orphaned = once(process, "disconnect");
  await using proxy = await compose(config);
  const { address, admin } = proxy;
  process.send?.({ type: "ready", address, admin });
  if (process.send === undefined) process.stdout.write(`Flowstate proxy: ${address} (admin ${admin})\n`);
  await Promise.race([signal, orphaned]);
}
